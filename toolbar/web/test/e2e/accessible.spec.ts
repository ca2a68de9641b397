import { byKeys, throughPanel } from './by-keys.js'
import { expect, test } from './fixtures.js'
import { expectBoth, expectWalkable } from './walk.js'

test('T8 every page of the portal is walked with Tab, and the focus is seen everywhere', async ({ as, anna }) => {
  test.slow()
  await anna.launch('plain')
  const { page } = anna
  for (const path of [
    '/assets',
    '/assets?q=zebra&start=1',
    '/assets?in=lab',
    '/assets/shell',
    '/sessions',
    '/nothing',
  ]) {
    await page.goto(path)
    await expectWalkable(page)
  }
  const ruth = await as('ruth')
  for (const path of [
    '/assets?in=annex',
    '/live',
    '/live?q=nobody',
    '/sessions?all=1',
    '/events',
    '/events?verb=Join+Session&user=dora',
  ]) {
    await ruth.page.goto(path)
    await expectWalkable(ruth.page)
  }
  await ruth.page.goto('/events')
  await ruth.page.locator('tbody a').first().click()
  await expect(ruth.page.locator('main h1')).not.toHaveText('Events')
  await expectWalkable(ruth.page)
  await ruth.page.goto('/events?from=tomorrow')
  await expect(ruth.page.getByRole('alert')).toBeVisible()
  await expectBoth(ruth.page)
  await ruth.page.getByRole('button', { name: 'Sign out' }).click()
  await expectBoth(ruth.page)
})

test('T8 dialogs of the portal keep Tab inside and give the focus back', async ({ anna, as }) => {
  test.slow()
  const { page } = anna
  const live = await anna.context.newPage() // a session that no page opens ends soon
  await live.goto(await anna.launch('plain'))
  await expect(live.locator('.xterm-rows')).toContainText(/[$#]/)
  const session = live.url().split('/').pop()
  await page.goto('/assets/shell')
  const access = page.getByRole('button', { name: 'Access', exact: true })
  await access.focus()
  await page.keyboard.press('Enter')
  const dialog = page.getByRole('dialog', { name: /shell/ })
  await expect(dialog.getByLabel('Reason')).toBeFocused()
  await expectWalkable(page)
  await dialog.getByLabel('Font size').fill('99')
  await page.keyboard.press('Enter')
  await expect(dialog.getByRole('alert')).toBeVisible()
  await expect(dialog.getByLabel('Font size')).toBeFocused()
  await expectBoth(page)
  await page.keyboard.press('Escape')
  await expect(dialog).toBeHidden()
  await expect(access).toBeFocused()

  const ruth = await as('ruth')
  await ruth.page.goto('/live')
  const end = ruth.page.locator(`tr[data-key="${session}"]`).getByRole('link', { name: 'Terminate' })
  await end.focus()
  await ruth.page.keyboard.press('Enter')
  await expect(ruth.page.getByLabel('Reason')).toBeFocused()
  await expectWalkable(ruth.page)
  await ruth.page.keyboard.press('Escape')
  await expect(ruth.page.getByRole('dialog')).toHaveCount(0)
  await expect(end).toBeFocused()
})

test('T8 the session by keys alone: toolbar, its panels, search, links, and back to the terminal', async ({ anna }) => {
  test.slow()
  const session = await anna.open('shell')
  const { page } = session
  const terminal = page.locator('.xterm-helper-textarea')
  await byKeys(session)
  await expectWalkable(page)

  for (const tool of ['Clipboard', 'Display']) await throughPanel(session, tool)

  await session.run('echo https://example.com/one https://example.com/two')
  await expect(session.rows).toContainText('two')
  await page.keyboard.press('Control+Shift+F')
  await expect(page.locator('sp-find input')).toBeFocused()
  await page.keyboard.type('nowhere-to-be-found')
  await page.keyboard.press('Enter')
  await expectBoth(page)
  await page.locator('sp-find input').focus()
  await page.keyboard.press('Escape')
  await expect(terminal).toBeFocused()

  await page.keyboard.press('Control+Shift+L')
  await expect(page.locator('sp-links').getByRole('link')).toHaveCount(2)
  await expectBoth(page)
  await page.keyboard.press('Escape')
})

test('T8 what a session says when it is not live is accessible and walked with Tab', async ({ anna, world, as }) => {
  test.slow()
  const session = await anna.open('shell')
  const { page } = session
  world.network.cut()
  await expect(session.card('Connection lost, trying again')).toBeVisible()
  await page.locator('sp-card .card').focus()
  await expectWalkable(page)
  world.network.mend()
  await expect(session.handle).toBeVisible()

  const tab = await anna.context.newPage()
  await tab.goto(page.url())
  await expect(tab.locator('.xterm-rows')).toContainText('$')
  await expect(page.getByRole('button', { name: 'Take back' })).toBeVisible()
  await expectBoth(page)

  await tab.locator('.xterm-helper-textarea').focus()
  await tab.keyboard.type('exit 3')
  await tab.keyboard.press('Enter')
  await expect(tab.getByText('remote_logoff')).toBeVisible()
  await expectBoth(tab)

  // A session that has ended, one that another sign-in has, and one that there never was.
  await page.reload()
  await expect(page.locator('sp-card h2')).toBeVisible()
  await expectBoth(page)
  const again = await as('anna')
  await again.page.goto(await anna.launch('plain'))
  await expect(again.page.getByText('other_login')).toBeVisible()
  await expectBoth(again.page)
})
