import { expectAccessible } from './axe.js'
import { expect, test } from './fixtures.js'
import { expectFile, kinds, SessionPage, Wire } from './session.js'

/** Opens a session in a page whose time stands still from then on. */
async function still(person: {
  page: import('@playwright/test').Page
  open(asset: string): Promise<SessionPage>
}): Promise<SessionPage> {
  await person.page.clock.install()
  const session = await person.open('shell')
  await person.page.clock.pauseAt(new Date(Date.now() + 60_000))
  return session
}

/** Puts the pointer where nothing of ours is. */
const away = (s: SessionPage) => s.page.mouse.move(300, 600)

test('T1 a click, a tap and the keys open the toolbar, AltGr does not', async ({ anna, world, browser }) => {
  const session = await still(anna)
  const { page } = session
  await session.open()
  await expect(session.bar).toContainText('shell')
  await session.tool('Close').click()
  await expect(session.bar).toBeHidden()

  const chord = async (...keys: string[]) => {
    for (const k of keys) await page.keyboard.down(k)
    for (const k of keys) await page.keyboard.up(k)
  }
  await session.focus()
  await chord('AltRight', 'ShiftLeft')
  await chord('ControlLeft', 'AltRight', 'ShiftLeft')
  await chord('ControlLeft', 'AltLeft', 'ShiftLeft', 'KeyA')
  await expect(session.bar).toBeHidden()
  await chord('ControlLeft', 'AltLeft', 'ShiftLeft')
  await expect(session.bar).toBeVisible()
  await expect(session.tool('Clipboard')).toBeFocused()
  await page.keyboard.press('Escape')
  await expect(session.bar).toBeHidden()
  await expect(page.locator('.xterm-helper-textarea')).toBeFocused()

  // Dragged sideways it stays where it was put, also after a reload, and does not open.
  const at = async () => (await session.handle.boundingBox())?.x ?? 0
  const from = await session.handle.boundingBox()
  if (!from) throw new Error('no handle')
  await page.mouse.move(from.x + from.width / 2, from.y + 3)
  await page.mouse.down()
  await page.mouse.move(from.x + 300, from.y + 3, { steps: 5 })
  await page.mouse.up()
  await expect(session.bar).toBeHidden()
  await expect.poll(at).toBeGreaterThan(from.x + 200)

  const phone = await browser.newContext({
    baseURL: world.url,
    viewport: { width: 390, height: 844 },
    hasTouch: true,
    isMobile: true,
    storageState: await anna.context.storageState(),
  })
  const tab = await phone.newPage()
  await tab.goto(page.url())
  const touched = new SessionPage(tab)
  await expect(touched.rows).toContainText('$')
  await touched.handle.tap()
  await expect(touched.bar).toBeVisible()
  await phone.close()
})

test('T2 it closes by itself 5 s after opening', async ({ anna }) => {
  const session = await still(anna)
  await session.open()
  await away(session)
  await session.page.clock.runFor(4900)
  await expect(session.bar).toBeVisible()
  await session.page.clock.runFor(200)
  await expect(session.bar).toBeHidden()
  await expect(session.handle).toBeVisible()
})

test('T3 in use it stays, and closes 5 s after', async ({ anna }) => {
  const session = await still(anna)
  const { page } = session
  await session.open()
  await session.bar.hover()
  await page.clock.runFor(60_000)
  await expect(session.bar).toBeVisible()
  await away(session)
  await page.clock.runFor(4900)
  await expect(session.bar).toBeVisible()
  await session.bar.hover()
  await page.clock.runFor(60_000)
  await away(session)
  await page.clock.runFor(5100)
  await expect(session.bar).toBeHidden()

  // The keyboard focus holds it as well, and so does an open panel.
  await session.open()
  await away(session)
  await session.tool('Disconnect').focus()
  await page.clock.runFor(60_000)
  await expect(session.bar).toBeVisible()
  await session.tool('Clipboard').click()
  await expect(page.getByRole('dialog', { name: 'Clipboard' })).toBeVisible()
  await away(session)
  await page.clock.runFor(60_000)
  await expect(page.getByRole('dialog', { name: 'Clipboard' })).toBeVisible()
  await page.keyboard.press('Escape')
  await expect(page.getByRole('dialog', { name: 'Clipboard' })).toBeHidden()
  await expect(session.bar).toBeVisible()
  await session.focus()
  await page.clock.runFor(5100)
  await expect(session.bar).toBeHidden()
})

test('T4 the handle opens it again and again', async ({ anna }) => {
  const session = await still(anna)
  for (let i = 0; i < 10; i++) {
    await session.open()
    if (i % 2) await session.tool('Close').click()
    else {
      await away(session)
      await session.page.clock.runFor(5100)
    }
    await expect(session.bar).toBeHidden()
  }
})

test('T5 items stand in order, each only where it is permitted', async ({ anna }) => {
  const session = await anna.open('shell')
  await session.open()
  await expect(session.bar.getByRole('button')).toHaveText([
    'Clipboard',
    'Session URL',
    'Display',
    'Disconnect',
    'Close',
  ])
  await expect(session.bar.getByTitle('This session is recorded')).toBeVisible()
  await expectAccessible(session.page)
  await anna.page.goto(await anna.launch('narrow'))
  await expect(session.rows).toContainText(/[$#]/)
  await session.open()
  await expect(session.bar.getByRole('button')).toHaveText(['Display', 'Disconnect', 'Close'])
})

test('T6 what is typed in our fields does not reach the target', async ({ anna, world }) => {
  const person = anna
  const wire = new Wire(person.page)
  const session = await person.open('shell')
  const { page } = session
  const marker = world.marker('fields')
  await session.open()
  await session.tool('Clipboard').click()
  await expect(page.getByRole('dialog', { name: 'Clipboard' }).getByRole('textbox')).toBeFocused()
  const before = wire.count(kinds.key)
  await page.keyboard.type(`echo leaked > ${marker}`)
  for (const key of ['Enter', 'Control+C', 'Tab', 'ArrowUp', 'Escape', 'ArrowLeft', 'Escape'])
    await page.keyboard.press(key)
  await expect(session.bar).toBeHidden()
  expect(wire.count(kinds.key)).toBe(before)
  // A control: the same keys reach it from the terminal.
  await session.focus()
  await session.run(`echo typed > ${marker}`)
  await expectFile(marker, 'typed')
  expect(wire.count(kinds.key)).toBeGreaterThan(before)
})

test('Session URL copies the address, Disconnect ends the session', async ({ anna, world }) => {
  await anna.context.grantPermissions(['clipboard-read', 'clipboard-write'])
  const session = await anna.open('shell')
  const { page } = session
  await session.open()
  await session.tool('Session URL').click()
  await expect(page.getByText('Session URL copied')).toBeVisible()
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(page.url())
  if (!(await session.bar.isVisible())) await session.open()
  await session.tool('Disconnect').click()
  await expect(session.card('Session disconnected')).toBeVisible()
  await expect
    .poll(() => world.events().filter((e) => e.session === session.id && e.verb === 'Complete Session'))
    .toMatchObject([{ reason: 'user_disconnect' }])
})
