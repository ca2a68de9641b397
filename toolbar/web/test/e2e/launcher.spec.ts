import { expectAccessible } from './axe.js'
import { DeskWorld, expect, test as onDesks } from './desk-test.js'
import { worldOf } from './fixtures.js'
import { expectFixed, expectPinned, launcher } from './launcher.js'
import { everything, type Target } from './world.js'

/** Desktops with files, without, and with what the policy pins. */
class LauncherWorld extends DeskWorld {
  protected override async settings(t: Target) {
    const s = await super.settings(t)
    const desk = (id: string, declarations: object, pins?: object) => {
      s.assets.push({ id, type: 'windows', parent: 'lab', demo: true })
      s.profiles.push({ id, declarations: { ...everything, ...declarations }, ...(pins ? { pins } : {}) })
      s.assignments.push({ profile: id, to: 'group:operators', on: id })
    }
    desk('desk-out', { file_download: 'record', audio: 'allow' })
    desk('desk-pinned', { file_upload: 'allow' }, { themes: 'true', animations: 'false', color_depth: '16' })
    return s
  }
}

const test = onDesks.extend({ world: worldOf(() => new LauncherWorld()) })

test('L3 what the access profile denies is shown, as off, with the reason, and is not asked for', async ({ anna }) => {
  const dialog = await launcher(anna, 'desk-plain')
  const why = 'Your access profile does not permit it'
  for (const label of ['Drive for files', 'Sound']) {
    await expectFixed(dialog.getByRole('checkbox', { name: label }), why)
    await expect(dialog.getByRole('checkbox', { name: label })).not.toBeChecked()
  }
  await expect(dialog).toContainText(`Sound, Drive for files ${why}`)
  await expectAccessible(anna.page)

  // Reading files is enough for the drive.
  const out = await launcher(anna, 'desk-out')
  await expect(out.getByRole('checkbox', { name: 'Drive for files' })).toBeEnabled()
  await expect(out.getByRole('checkbox', { name: 'Drive for files' })).toBeChecked()
  await expect(out).not.toContainText(why)

  const narrow = await launcher(anna, 'narrow')
  await expectFixed(narrow.getByLabel('Initial command'), why)
})

test('L3 questions of yes or no are a row of boxes, by mouse and by keys; the policy holds some', async ({
  anna,
  world,
}) => {
  const dialog = await launcher(anna, 'desk-pinned')
  await expectPinned(dialog, { Themes: 'true', Animations: 'false', 'Colour depth': '16' })
  const boxes = dialog.getByRole('group', { name: 'Options' })
  const box = (name: string) => boxes.getByRole('checkbox', { name })
  await expect(boxes.getByRole('checkbox')).toHaveCount(7)
  await expectAccessible(anna.page)

  await box('Drive for files').click()
  await expect(box('Drive for files')).not.toBeChecked()
  await boxes.getByText('Administrative session').click()
  await expect(box('Administrative session')).toBeChecked()

  // Tab goes past what nobody can change.
  await box('Administrative session').focus()
  for (const name of ['Drive for files', 'Wallpaper', 'Smooth fonts']) {
    await anna.page.keyboard.press('Tab')
    await expect(box(name)).toBeFocused()
  }

  // What was clicked goes back with all the others.
  await dialog.getByRole('button', { name: 'Reset to defaults' }).click()
  await expect(box('Drive for files')).toBeChecked()
  await expect(box('Administrative session')).not.toBeChecked()

  await box('Wallpaper').focus()
  await anna.page.keyboard.press('Space')
  await box('Smooth fonts').focus()
  await anna.page.keyboard.press('Space')
  const opened = anna.context.waitForEvent('page')
  await dialog.getByRole('button', { name: 'Access', exact: true }).click()
  const id = (await opened).url().split('/').pop()
  const r = await anna.context.request.get(`${world.url}/pam/api/session/${id}`)
  expect((await r.json()).params).toMatchObject({
    wallpaper: 'true',
    font_smoothing: 'false',
    drive: 'true',
    console: 'false',
    themes: 'true',
    animations: 'false',
    color_depth: '16',
  })
})

test('L3 the launcher fits a phone, in the longest language, from right to left', async ({ anna }) => {
  await anna.page.setViewportSize({ width: 390, height: 844 })
  for (const [dir, language, options] of [
    ['ltr', 'de', 'Optionen'],
    ['ltr', 'fr', 'Autres options'],
    ['rtl', 'en', 'Options'],
  ] as const) {
    await anna.page.route('**/assets/desk-pinned', async (route) => {
      const response = await route.fetch()
      const body = (await response.text()).replace(/<html [^>]*>/, `<html lang="${language}" dir="${dir}">`)
      await route.fulfill({ response, body })
    })
    await anna.page.goto('/assets/desk-pinned')
    await anna.page.locator('sp-access-button').click()
    const dialog = anna.page.getByRole('dialog', { name: /desk-pinned/ })
    await expect(dialog.getByRole('group', { name: options })).toBeVisible()
    await anna.page.unrouteAll()
    const over = await dialog.locator('.body').evaluate((body) => {
      const box = body.getBoundingClientRect()
      return [...body.querySelectorAll('*')]
        .filter((e) => !e.closest('.vh'))
        .map((e) => ({ name: e.className || e.tagName, at: e.getBoundingClientRect() }))
        .filter(({ at }) => at.width > 0 && (at.left < box.left - 1 || at.right > box.right + 1))
        .map(({ name }) => String(name))
    })
    expect(over, `${language} ${dir}`).toEqual([])
  }
})
