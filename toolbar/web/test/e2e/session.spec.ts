import { readFileSync } from 'node:fs'
import type { Page } from '@playwright/test'
import { expectAccessible } from './axe.js'
import { expect, test } from './fixtures.js'
import { expectFile, kinds, SessionPage, Wire } from './session.js'

test('C1 E1 L2 L5 from the asset to a shell, and exit ends it as remote_logoff', async ({
  anna: { page, context },
  world,
}) => {
  await page.goto('/assets/shell')
  await page.getByRole('button', { name: 'Access' }).click()
  const launcher = page.getByRole('dialog', { name: /shell/ })
  await expect(launcher).toBeVisible()
  await expect(launcher.getByLabel('Terminal type')).toHaveValue('xterm-256color')
  await expectAccessible(page)
  const opened = context.waitForEvent('page')
  await launcher.getByRole('button', { name: 'Access', exact: true }).click()
  const tab = await opened
  const wire = new Wire(tab)
  await tab.waitForURL('**/pam/s/*')
  await expect(tab).toHaveTitle(/^shell/)

  const session = new SessionPage(tab)
  await session.ready()
  const marker = world.marker('launch')
  await session.run(`echo "$USER on $((6 * 7))" | tee ${marker}`)
  await expect(session.rows).toContainText(`${world.target?.user} on 42`)
  await expectFile(marker, `${world.target?.user} on 42`)

  // The ticket goes as the first message, never in an address.
  const hello = wire.sent.find((b) => b[0] === kinds.hello)
  const { ticket } = JSON.parse(hello?.subarray(6).toString() ?? '{}') as { ticket: string }
  expect(ticket.length).toBeGreaterThanOrEqual(22)
  expect([...wire.urls, tab.url()].join(' ')).not.toContain(ticket)
  expect(await tab.evaluate(() => JSON.stringify([localStorage, sessionStorage]))).not.toContain(ticket)

  await session.run('exit')
  await expect(session.card('You signed out of shell')).toBeVisible()
  await expect(tab.getByText('remote_logoff')).toBeVisible()
  await expectAccessible(tab)
  // The page is told first, then the store and the audit.
  await expect
    .poll(() => world.events().filter((e) => e.session === session.id))
    .toMatchObject([
      { verb: 'Start Session', user: 'anna', asset: 'shell' },
      { verb: 'Complete Session', reason: 'remote_logoff' },
    ])

  // Start again goes through the whole decision and gives a new session.
  const before = session.id
  await tab.getByRole('button', { name: 'Start again' }).click()
  await expect(tab).not.toHaveURL(new RegExp(before))
  await session.ready()
  const last = session.id
  await session.run('exit')
  await expect(session.card('You signed out of shell')).toBeVisible()
  await expect
    .poll(() => world.events().filter((e) => e.session === last && e.verb === 'Complete Session'))
    .toHaveLength(1)

  await page.reload()
  await expect(page.locator('section', { hasText: 'My sessions' }).locator('tbody tr')).toContainText([
    'Signed out',
    'Signed out',
  ])
})

test('the terminal has the size of the page, and the target hears of every change', async ({ anna, world }) => {
  const session = await anna.open('shell')
  const marker = world.marker('size')
  // Told by the target: each change of the size, as the program in the foreground sees it.
  await session.run(`trap 'stty size > ${marker}' WINCH; stty size > ${marker}; clear`)
  const told = () => readFileSync(marker, { encoding: 'utf8', flag: 'a+' }).trim()
  const drawn = () => session.rows.locator('> div').count()
  await expectFile(marker, /^\d+ \d+$/)
  let [rows, cols] = told().split(' ').map(Number)
  expect(rows).toBe(await drawn())
  for (const [width, height] of [
    [900, 500],
    [1600, 900],
  ] as const) {
    await session.page.setViewportSize({ width, height })
    await expect.poll(() => told()).not.toBe(`${rows} ${cols}`)
    await expect.poll(async () => told().startsWith(`${await drawn()} `)).toBe(true)
    const [newRows, newCols] = told().split(' ').map(Number)
    expect((newRows ?? 0) > (rows ?? 0)).toBe(height === 900)
    expect((newCols ?? 0) > (cols ?? 0)).toBe(width === 1600)
    rows = newRows
    cols = newCols
  }
})

test('pasting: at once, by the panel, and several lines only after a question', async ({ anna, world }) => {
  const session = await anna.open('shell')
  const { page } = session
  const wire = new Wire(page)
  await anna.context.grantPermissions(['clipboard-read', 'clipboard-write'])

  const marker = world.marker('paste')
  await page.evaluate((text) => navigator.clipboard.writeText(text), `echo pasted-ü-漢 > ${marker}`)
  await session.focus()
  await page.keyboard.press('Control+Shift+V')
  await expect(session.rows).toContainText('echo pasted-ü-漢')
  await page.keyboard.press('Enter')
  await expectFile(marker, 'pasted-ü-漢')

  await session.run('clear')
  await page.evaluate((text) => navigator.clipboard.writeText(text), `echo one > ${marker}\necho two >> ${marker}\n`)
  await session.open()
  await session.tool('Clipboard').click()
  const panel = page.getByRole('dialog', { name: 'Clipboard' })
  await expect(panel.getByRole('textbox')).toHaveValue(/^echo one/)
  await expect(panel.getByRole('status')).toContainText('2 lines')
  await expectAccessible(page)
  await panel.getByRole('button', { name: 'Paste 2 lines' }).click()
  await expect(session.rows).toContainText('echo two')
  await session.focus()
  await page.keyboard.press('Enter')
  await expectFile(marker, 'one\ntwo')
  expect(wire.urls).toEqual([]) // it was open before the listener
})

test('L3 parameters act, are checked by the server, and need what they need', async ({ anna, world }) => {
  const marker = world.marker('params')
  await anna.page.goto(
    await anna.launch('shell', {
      term: 'vt100',
      start_directory: '/usr/lib',
      initial_command: `echo "$PWD $TERM" > ${marker}`,
      font_size: '20',
    }),
  )
  await expectFile(marker, '/usr/lib vt100')
  const start = (asset: string, params: Record<string, string>) =>
    anna.context.request.post(`/pam/api/asset/${asset}/sessions`, { data: { params }, headers: { Origin: world.url } })
  for (const [asset, params, field] of [
    ['shell', { term: 'screen; reboot' }, 'term'],
    ['shell', { font_size: '99' }, 'font_size'],
    ['shell', { nonsense: 'x' }, 'nonsense'],
    ['shell', { initial_command: 'a\nb' }, 'initial_command'],
    ['narrow', { initial_command: 'id' }, 'initial_command'],
    ['narrow', { start_directory: '/' }, 'start_directory'],
  ] as const) {
    const r = await start(asset, params)
    expect(await r.json(), `${asset} ${JSON.stringify(params)}`).toMatchObject({
      error: { code: 'invalid_param', field },
    })
    expect(r.ok()).toBe(false)
  }
})

test('L8 parameters are remembered for a person and an asset', async ({ as }) => {
  const anna = await as('anna')
  const { page } = anna
  const access = async (asset: string) => {
    await page.goto(`/assets/${asset}`)
    await page.getByRole('button', { name: 'Access' }).click()
    const dialog = page.getByRole('dialog', { name: new RegExp(asset) })
    await expect(dialog).toBeVisible()
    return dialog
  }
  let dialog = await access('locked')
  await dialog.getByLabel('Font size').fill('18')
  await dialog.getByLabel('Reason').fill('not to be remembered')
  const opened = anna.context.waitForEvent('page')
  await dialog.getByRole('button', { name: 'Access', exact: true }).click()
  await (await opened).waitForURL('**/pam/s/*')
  dialog = await access('locked')
  await expect(dialog.getByLabel('Font size')).toHaveValue('18')
  await expect(dialog.getByLabel('Reason')).toHaveValue('')
  dialog = await access('plain')
  await expect(dialog.getByLabel('Font size')).toHaveValue('14')
  const cleo = await as('cleo')
  await cleo.page.goto('/assets/locked')
  await cleo.page.getByRole('button', { name: 'Access' }).click()
  await expect(cleo.page.getByLabel('Font size')).toHaveValue('14')
})

test('L6 a session opens in a tab, a window or the page itself; a blocked pop-up leaves a link', async ({
  anna,
  world,
}) => {
  const { page, context } = anna
  const launcher = async (where: string) => {
    await page.goto('/assets/shell')
    await page.getByRole('button', { name: 'Access' }).click()
    const dialog = page.getByRole('dialog', { name: /shell/ })
    await dialog.getByText(where, { exact: true }).click()
    return dialog.getByRole('button', { name: 'Access', exact: true })
  }
  const works = async (p: Page, name: string) => {
    const session = new SessionPage(p)
    await session.ready()
    const marker = world.marker(name)
    await session.run(`echo ${name} > ${marker}`)
    await expectFile(marker, name)
    await session.run('exit')
    await expect(session.card('You signed out of shell')).toBeVisible()
  }
  let access = await launcher('Window')
  const opened = context.waitForEvent('page')
  await access.click()
  const popup = await opened
  await works(popup, 'window')
  expect(await popup.evaluate(() => window.opener)).toBe(null)
  await popup.close()

  access = await launcher('Embedded')
  await access.click()
  await works(page, 'embedded')
  await expect(page).toHaveURL('/assets/shell')

  access = await launcher('Tab')
  await page.evaluate(() => {
    window.open = () => null
  })
  await access.click()
  await expect(page.getByRole('alert')).toContainText('The browser blocked the new window.')
  const linked = context.waitForEvent('page')
  await page.getByRole('link', { name: 'Open the session' }).click()
  await works(await linked, 'linked')
})

test('C1 leaving an active session asks first', async ({ anna }) => {
  const session = await anna.open('shell')
  const { page } = session
  const asked = page.waitForEvent('dialog')
  await page.close({ runBeforeUnload: true })
  const dialog = await asked
  expect(dialog.type()).toBe('beforeunload')
  await dialog.dismiss()
  await session.run('exit')
  await expect(session.card('You signed out of shell')).toBeVisible()
  const closed = page.waitForEvent('close')
  page.on('dialog', () => {
    throw new Error('asked although the session has ended')
  })
  await page.close({ runBeforeUnload: true })
  await closed
})

test('E6 R1 what is recorded can be verified and exported; what is not is not', async ({ anna, world }) => {
  const session = await anna.open('shell')
  const marker = world.marker('recorded')
  await session.run(`echo recor''ded-${'x'.repeat(3)} | tee ${marker}`)
  await expectFile(marker, 'recorded-xxx')
  await session.run('exit')
  await expect(session.card('You signed out of shell')).toBeVisible()
  const file = world.recording(session.id)
  expect(file).toBeTruthy()
  expect(world.rec('verify', '-pub', `${world.data}/recording.pub`, file)).toContain('valid-complete')
  expect(world.rec('export', '-format', 'cast', file)).toContain('recorded-xxx')

  const plain = await anna.open('plain')
  await plain.run('exit')
  await expect(plain.card('You signed out of plain')).toBeVisible()
  expect(world.recording(plain.id)).toBe('')
})

test('targets that cannot be reached say why', async ({ anna }) => {
  test.slow()
  for (const [asset, code] of [
    ['nowhere', 'target_unreachable'],
    ['wrong-key', 'host_key_mismatch'],
    ['wrong-password', 'target_auth_failed'],
  ] as const) {
    await anna.page.goto(await anna.launch(asset))
    await expect(anna.page.getByText(code)).toBeVisible()
    await expect(anna.page.getByText('Back to the asset')).toBeVisible()
  }
  await expectAccessible(anna.page)
})
