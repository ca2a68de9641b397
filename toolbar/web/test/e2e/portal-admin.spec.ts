import { expectAccessible } from './axe.js'
import { expect, test } from './fixtures.js'
import { evilAsset, evilName } from './world.js'

/** A reason that would do harm as markup, and hides its end from a careless reader. */
const evilReason = `<img src=x onerror="document.title='owned'">\u202Egpj.exe\u0007`

test('J5 an administrator ends a session with a reason that the user reads', async ({ as, world }) => {
  const ruth = await as('ruth')
  const cleo = await as('cleo')
  const { page } = ruth
  await page.goto('/live?q=cleo')
  await expect(page.getByRole('heading', { name: 'No live session matches' })).toBeVisible()

  // The list follows by itself.
  const session = await cleo.open('evil')
  const row = page.locator(`tr[data-key="${session.id}"]`)
  await expect(row).toBeVisible()
  await expect(row).toContainText(evilName)
  await expect(row).toContainText('Active')
  await expect(row).toContainText('Recorded')
  await expect(row.getByRole('img', { name: /, owner$/ })).toBeVisible()
  await expect(row).toContainText('127.0.0.1')

  await row.getByRole('link', { name: 'Terminate' }).click()
  const dialog = page.getByRole('dialog', { name: 'Terminate this session?' })
  await expect(dialog.getByLabel('Reason')).toBeFocused()
  await expect(dialog).toContainText(evilAsset)
  await expectAccessible(page)
  await page.keyboard.press('Escape')
  await expect(dialog).toHaveCount(0)
  await expect(row).toBeVisible()

  await row.getByRole('link', { name: 'Terminate' }).click()
  await dialog.getByLabel('Reason').fill(evilReason)
  await dialog.getByRole('button', { name: 'Terminate session' }).click()
  await expect(page.getByRole('status')).toHaveText('The session was ended. Its people were told the reason.')
  await expect(row).toHaveCount(0)
  await expect(cleo.page.getByText('<img src=x')).toBeVisible()
  await expect(cleo.page).not.toHaveTitle('owned')
  expect(world.events()).toContainEqual(
    expect.objectContaining({ verb: 'Terminate Session', user: 'ruth', session: session.id }),
  )
})

test('J5 an auditor sees the list and ends nothing; for others there is no such page', async ({ anna, as, world }) => {
  const path = await anna.launch('shell')
  const id = path.split('/').pop()
  const otto = await as('otto')
  await otto.page.goto('/live')
  await expect(otto.page.locator(`tr[data-key="${id}"]`)).toContainText('Anna Richter')
  await expect(otto.page.getByRole('link', { name: 'Terminate' })).toHaveCount(0)
  const end = (who: typeof otto) =>
    who.context.request.post(`/live/${id}/terminate`, { form: { reason: 'no' }, headers: { Origin: world.url } })
  expect((await end(otto)).status()).toBe(404)
  expect((await end(anna)).status()).toBe(404)
  for (const page of ['/live', '/events', '/events.csv', '/events.json', '/sessions?all=1']) {
    expect((await anna.page.goto(page))?.status(), page).toBe(404)
  }
})

test('R9 S08 S31 events are found, read and exported, and nothing in them acts', async ({ as, world }) => {
  const ruth = await as('ruth')
  const cleo = await as('cleo')
  const id = (await cleo.launch('evil')).split('/').pop() ?? ''
  const ended = await ruth.context.request.post(`/live/${id}/terminate`, {
    form: { reason: evilReason },
    headers: { Origin: world.url },
    maxRedirects: 0,
  })
  expect(ended.status()).toBe(303)

  const { page } = await as('otto')
  let dialogs = 0
  page.on('dialog', (d) => {
    dialogs++
    void d.dismiss()
  })
  await page.goto('/events')
  await page.getByLabel('Event', { exact: true }).selectOption('Terminate Session')
  await page.getByLabel('User', { exact: true }).selectOption({ label: 'Ruth Adler' })
  await page.getByRole('searchbox').fill('gpj')
  await page.getByRole('button', { name: 'Apply' }).click()
  await expect(page).toHaveURL(/verb=Terminate\+Session/)
  const row = page.locator('tbody tr').first()
  await expect(row).toContainText('\\u202egpj.exe\\u0007')
  await expect(page.getByRole('link', { name: /^Event: Terminate Session/ })).toBeVisible()
  await expectAccessible(page)
  await row.getByRole('link').focus()
  await page.keyboard.press('Enter')
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Terminate Session')
  await expect(page.locator('main')).not.toContainText('\u202E')
  await expectAccessible(page)
  await page.getByRole('link', { name: id }).click()
  await expect(page.locator('tbody tr')).not.toHaveCount(0)
  for (const text of await page.locator('tbody td:nth-child(4)').allTextContents()) expect(text).not.toContain('\u202E')
  await expect(page.locator('img, b, script:not([src])')).toHaveCount(0)

  const csv = await (await page.request.get(`/events.csv?session=${id}`)).text()
  expect(csv).toContain('\\u202egpj.exe\\u0007')
  expect(csv).not.toContain('\u202E')
  const json = (await (await page.request.get(`/events.json?session=${id}`)).json()) as {
    verb: string
    detail?: string
  }[]
  expect(json.map((e) => e.verb)).toEqual(expect.arrayContaining(['Terminate Session', 'Start Session']))
  await page.goto('/events?from=tomorrow')
  await expect(page.getByRole('alert')).toContainText('Write times as')
  await page.goto('/events?verb=Join+Session&user=dora')
  await expect(page.getByRole('heading', { name: 'No event matches' })).toBeVisible()
  await expectAccessible(page)
  expect(dialogs).toBe(0)
})

test('R9 everybody’s sessions, and the live list on a phone', async ({ anna, as }) => {
  await anna.launch('plain')
  const { page } = await as('otto')
  await page.goto('/sessions')
  await page.getByRole('link', { name: 'Everybody’s' }).click()
  await expect(page.locator('tbody tr', { hasText: 'Anna Richter' }).first()).toBeVisible()
  // An auditor has no role on the asset: its page is not for him.
  await expect(page.locator('tbody a[href^="/assets/"]')).toHaveCount(0)
  await expectAccessible(page)
  await page.setViewportSize({ width: 390, height: 844 })
  for (const path of ['/live', '/events', '/sessions?all=1']) {
    await page.goto(path)
    await expectAccessible(page)
    expect(await page.evaluate(() => document.documentElement.scrollWidth), path).toBe(390)
  }
})
