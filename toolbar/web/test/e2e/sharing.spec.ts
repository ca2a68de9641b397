import { expectAccessible } from './axe.js'
import { expect, type Person } from './fixtures.js'
import { test } from './fleet-test.js'
import { expectFile, kinds, SessionPage, Wire } from './session.js'
import { evilAsset } from './world.js'

/** Takes a place in somebody's session, by the API, and opens its page. */
async function join(person: Person, owner: SessionPage, mode: 'monitor' | 'participate'): Promise<SessionPage> {
  const r = await person.context.request.post(`/pam/api/session/${owner.id}/join`, {
    data: { mode },
    headers: { Origin: new URL(owner.page.url()).origin },
  })
  expect(r.status(), await r.text()).toBe(201)
  await person.page.goto(owner.page.url())
  const session = new SessionPage(person.page)
  await expect(session.rows).toContainText('ready')
  return session
}

test('I1 the toolbar begins with the name of the asset, as text that nobody can edit', async ({ anna }) => {
  const session = await anna.open('evil')
  await session.open()
  const name = session.bar.getByTitle(evilAsset)
  await expect(name).toHaveText(evilAsset)
  await expect(name).toBeVisible()
  // It comes before everything that can be used.
  await expect(session.bar.locator('b, button').first()).toHaveText(evilAsset)
  await expect(session.bar.locator('input, textarea, [contenteditable]')).toHaveCount(0)
  await name.click()
  await anna.page.keyboard.type('x')
  await expect(session.rows).toContainText('$ x') // a click on it leaves the focus in the session
  await expect(name).toHaveText(evilAsset)
  await expect(anna.page).not.toHaveTitle('owned')
})

test('I23 Session URL copies an address that holds an opaque id and grants nothing', async ({
  anna,
  as,
  browser,
  world,
}) => {
  await anna.context.grantPermissions(['clipboard-read', 'clipboard-write'])
  const session = await anna.open('shared')
  const { page } = session
  await session.open()
  await session.tool('Session URL').click()
  const copied = () => page.evaluate(() => navigator.clipboard.readText())
  await expect.poll(copied).toBe(page.url())
  const url = new URL(await copied())
  expect(url.pathname).toMatch(/^\/pam\/s\/[\w-]{22,}$/)
  expect(url.search + url.hash + url.username + url.password).toBe('')
  expect(Buffer.from(session.id, 'base64url').toString('latin1')).not.toMatch(/shared|anna|ssh/)

  // Without a sign-in it leads to the sign-in.
  const stranger = await browser.newContext()
  const nobody = await stranger.newPage()
  await nobody.goto(url.href)
  expect(new URL(nobody.url()).pathname).toBe('/login')
  await stranger.close()

  // For others, with and without a right on the asset, it is what an address is that was never given out.
  const unknown = url.href.slice(0, -4) + (url.href.endsWith('aaaa') ? 'bbbb' : 'aaaa')
  for (const name of ['cleo', 'ben', 'ruth']) {
    const other = await as(name)
    const [real, made] = [await other.context.request.get(url.href), await other.context.request.get(unknown)]
    expect([real.status(), made.status()], name).toEqual([404, 404])
    expect((await real.text()).replaceAll(session.id, ''), name).toBe(
      (await made.text()).replaceAll(unknown.split('/').pop() ?? '', ''),
    )
    const attach = await other.context.request.post(`/pam/api/session/${session.id}/attach`, {
      data: {},
      headers: { Origin: world.url },
    })
    expect(attach.status(), name).toBe(404)
  }
  // And nothing of this has disturbed the session.
  const marker = world.marker('url')
  await session.focus()
  await session.run(`echo still > ${marker}`)
  await expectFile(marker, 'still')
})

test('T7 a joiner’s toolbar shows the mode, everybody sees who is in and that it is recorded', async ({
  anna,
  as,
  world,
}) => {
  const owner = await anna.open('shared')
  await owner.open()
  await owner.bar.hover() // it stays
  const ruth = await as('ruth')
  const wire = new Wire(ruth.page)
  const joiner = await join(ruth, owner, 'monitor')
  await joiner.open()
  await joiner.bar.hover()
  await expect(joiner.bar).toContainText('Monitor')
  await expect(joiner.bar.getByTitle('This session is recorded')).toBeVisible()
  await expect(joiner.bar.getByRole('button')).toHaveText(['Session URL', 'Display', 'Leave', 'Close'])
  await expectAccessible(ruth.page)

  await expect(owner.bar.getByRole('img', { name: /^2 people.*Anna Richter \(you\).*Ruth Adler/ })).toBeVisible()
  await expect(joiner.bar.getByRole('img', { name: /^2 people.*Anna Richter.*Ruth Adler \(you\)/ })).toBeVisible()

  // A monitor's keys go nowhere; what the owner does is seen.
  await joiner.focus()
  await ruth.page.keyboard.type('not-for-the-target')
  const marker = world.marker('watched')
  await owner.focus()
  await owner.run(`echo see''n > ${marker}; cat ${marker}`)
  await expect(joiner.rows).toContainText('seen')
  await expectFile(marker, 'seen')
  await expect(owner.rows).not.toContainText('not-for-the-target')
  expect(wire.count(kinds.key)).toBe(0)

  const second = await join(await as('cleo'), owner, 'participate')
  await second.open()
  await second.bar.hover()
  await expect(second.bar).toContainText('Participate')
  await expect(owner.bar.getByRole('img', { name: /^3 people/ })).toBeVisible()
  await second.focus()
  await second.run(`echo toge''ther > ${marker}; cat ${marker}`)
  await expectFile(marker, 'together')
  await expect(owner.rows).toContainText('together')
  await expect(joiner.rows).toContainText('together')

  // The host may switch the mark off, in the bar and on the handle.
  const hide = () => {
    const sheet = new CSSStyleSheet()
    sheet.replaceSync('sp-session::part(recording) { display: none }')
    document.adoptedStyleSheets = [sheet]
  }
  await ruth.page.evaluate(hide)
  await expect(joiner.bar).toBeVisible()
  await expect(joiner.bar.getByTitle('This session is recorded')).toBeHidden()
  await joiner.tool('Close').click()
  await expect(joiner.handle).toBeVisible()
  await expect(joiner.handle.locator('.dot')).toBeHidden()
})

test('I26 a joiner who leaves leaves alone; the owner’s Disconnect ends it for all, tells the target, seals the recording', async ({
  anna,
  as,
  world,
}) => {
  const owner = await anna.open('shared')
  const [ruth, cleo] = [await as('ruth'), await as('cleo')]
  const [leaver, stayer] = [await join(ruth, owner, 'monitor'), await join(cleo, owner, 'participate')]
  const ends = () => world.events().filter((e) => e.session === owner.id && e.verb === 'Complete Session')

  await leaver.open()
  await leaver.tool('Leave').click()
  await expect(leaver.page.locator('sp-card')).toBeVisible()
  await expectAccessible(leaver.page)
  await expect
    .poll(() => world.events().filter((e) => e.session === owner.id && e.verb === 'Leave Session'))
    .toMatchObject([{ user: 'ruth' }])
  const marker = world.marker('goes-on')
  await stayer.focus()
  await stayer.run(`echo goes''-on | tee ${marker}`)
  await expectFile(marker, 'goes-on')
  await expect(owner.rows).toContainText('goes-on')
  expect(ends()).toEqual([])

  const hangup = world.marker('hangup')
  await owner.focus()
  await owner.run(`sh -c "trap 'echo told > ${hangup}; exit' HUP; echo ar''med; while :; do sleep 0.1; done"`)
  await expect(owner.rows).toContainText('armed')
  await owner.open()
  await owner.tool('Disconnect').click()
  await expect(owner.card('Session disconnected')).toBeVisible()
  await expect(stayer.page.locator('sp-card')).toBeVisible()
  await expectAccessible(stayer.page)
  await expect.poll(ends).toMatchObject([{ reason: 'user_disconnect' }])
  await expectFile(hangup, 'told')
  const file = world.recording(owner.id)
  expect(world.rec('verify', '-pub', `${world.data}/recording.pub`, file)).toContain('valid-complete')
})
