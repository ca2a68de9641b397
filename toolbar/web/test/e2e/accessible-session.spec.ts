import { expectAccessible } from './axe.js'
import { expect, type Person } from './fixtures.js'
import { test } from './fleet-test.js'
import { SessionPage } from './session.js'
import { expectBoth, expectWalkable } from './walk.js'

/** Takes a place in somebody's session, by the API, and opens its page. */
async function join(person: Person, owner: SessionPage): Promise<SessionPage> {
  const r = await person.context.request.post(`/pam/api/session/${owner.id}/join`, {
    data: { mode: 'monitor' },
    headers: { Origin: new URL(owner.page.url()).origin },
  })
  expect(r.status(), await r.text()).toBe(201)
  await person.page.goto(owner.page.url())
  const session = new SessionPage(person.page)
  await expect(session.rows).toContainText('ready')
  return session
}

test('T8 the question before a paste is walked with Tab, and Esc gives the focus back', async ({ anna }) => {
  await anna.context.grantPermissions(['clipboard-read', 'clipboard-write'])
  const session = await anna.open('shell')
  const { page } = session
  const terminal = page.locator('.xterm-helper-textarea')
  await page.evaluate(() => navigator.clipboard.writeText('echo one\u202e\necho two\n'))
  await session.focus()
  await page.keyboard.press('Control+Shift+V')
  const guard = page.getByRole('dialog', { name: 'Paste 2 lines?' })
  const cancel = guard.getByRole('button', { name: 'Cancel' })
  await expect(cancel).toBeFocused()
  await expect(guard).toHaveAccessibleDescription(/would not be seen.*bracketed paste/)
  // The order is that of reading: what goes on, the text, the last line break, no, yes.
  await page.keyboard.press('Shift+Tab')
  await expect(guard.getByRole('checkbox')).toBeFocused()
  await page.keyboard.press('Shift+Tab')
  await expect(guard.getByRole('region', { name: /./ })).toBeFocused()
  await expectBoth(page)
  await cancel.focus()
  await page.keyboard.press('Tab')
  await expect(guard.getByRole('button', { name: 'Paste 2 lines' })).toBeFocused()
  await page.keyboard.press('Escape')
  await expect(guard).toBeHidden()
  await expect(terminal).toBeFocused()
})

test('T8 the token field is the first stop, says what is wrong, and Esc gives the focus back', async ({ as }) => {
  const mia = await as('mia')
  const { page } = mia
  await page.goto('/assets/guarded')
  const access = page.getByRole('button', { name: 'Access', exact: true })
  await access.focus()
  await page.keyboard.press('Enter')
  const dialog = page.getByRole('dialog', { name: /guarded/ })
  const token = dialog.getByLabel('MFA token')
  await expect(token).toBeFocused()
  await expect(token).toHaveAccessibleDescription(/Six digits/)
  await expectBoth(page)
  await token.fill('12')
  await page.keyboard.press('Enter')
  await expect(dialog.getByRole('alert')).toBeVisible()
  await expect(token).toBeFocused()
  await expect(token).toHaveAttribute('aria-invalid', 'true')
  await expectBoth(page)
  await page.keyboard.press('Escape')
  await expect(dialog).toBeHidden()
  await expect(access).toBeFocused()
})

test('T8 the menu of an asset is moved through with arrow keys, and Esc gives the focus back', async ({ anna }) => {
  const { page } = anna
  await page.goto('/assets')
  const dots = page.getByLabel('Actions of shell', { exact: true })
  await dots.focus()
  await page.keyboard.press('Enter')
  const menu = page.getByRole('menu')
  const items = menu.getByRole('menuitem')
  await expect(items.first()).toBeFocused()
  await expectAccessible(page)
  const count = await items.count()
  expect(count).toBeGreaterThan(1)
  await page.keyboard.press('ArrowDown')
  await expect(items.nth(1)).toBeFocused()
  await page.keyboard.press('End')
  await expect(items.last()).toBeFocused()
  await page.keyboard.press('ArrowDown')
  await expect(items.first()).toBeFocused()
  await page.keyboard.press('ArrowUp')
  await expect(items.last()).toBeFocused()
  await page.keyboard.press('Home')
  await expect(items.first()).toBeFocused()
  await page.keyboard.press('Escape')
  await expect(menu).toBeHidden()
  await expect(dots).toBeFocused()
})

test('T8 the card of a session that connects is accessible and can be left by keys', async ({ anna }) => {
  const { page } = anna
  let go = (): void => {}
  const held = new Promise<void>((resolve) => {
    go = resolve
  })
  await page.route('**/api/session/*/attach', async (route) => {
    await held
    await route.continue().catch(() => {}) // the page has gone on
  })
  await page.goto(await anna.launch('shell'))
  const cancel = page.locator('sp-card').getByRole('button').first()
  await expect(cancel).toBeVisible()
  await expectBoth(page) // from wherever the page has put the focus
  go()
  await expect(page.locator('.xterm-rows')).toContainText(/[$#]/)
  await expect(page.locator('.xterm-helper-textarea')).toBeFocused()
})

test('T8 a joiner’s toolbar and cards are walked with Tab', async ({ anna, as }) => {
  test.slow()
  const owner = await anna.open('shared')
  const ruth = await as('ruth')
  const joiner = await join(ruth, owner)
  const { page } = ruth
  await joiner.focus()
  for (const k of ['ControlLeft', 'AltLeft', 'ShiftLeft']) await page.keyboard.down(k)
  for (const k of ['ControlLeft', 'AltLeft', 'ShiftLeft']) await page.keyboard.up(k)
  await expect(joiner.tool('Session URL')).toBeFocused()
  await expectWalkable(page) // colours: sharing.spec.ts
  await joiner.tool('Session URL').focus()
  await page.keyboard.press('Escape')
  await expect(joiner.bar).toBeHidden()
  await expect(page.locator('.xterm-helper-textarea')).toBeFocused()

  await owner.focus()
  await owner.run('exit')
  await expect(page.locator('sp-card h2')).toHaveText('The session on shared has ended')
  await expectBoth(page)
})
