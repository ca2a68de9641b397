import { expectAccessible } from './axe.js'
import { expect, type Person } from './fixtures.js'
import { pins } from './fleet.js'
import { test } from './fleet-test.js'
import { expectPinned, launcher } from './launcher.js'
import { expectFile, SessionPage } from './session.js'

/** Presses Access and takes the session's page. */
async function start({ context }: Person, dialog: Awaited<ReturnType<typeof launcher>>) {
  const opened = context.waitForEvent('page')
  await dialog.getByRole('button', { name: 'Access', exact: true }).click()
  const session = new SessionPage(await opened)
  await session.ready()
  return session
}

test('L3 a pinned parameter is shown and cannot be changed, and what is forged is refused', async ({ anna, world }) => {
  const dialog = await launcher(anna, 'fixed')
  await expectPinned(dialog, { 'Terminal type': pins.term, 'Font size': pins.font_size })
  await expect(dialog.getByLabel('Colours')).toBeEnabled()
  await expectAccessible(anna.page)
  // Reset does not bring the protocol's default into it.
  await dialog.getByRole('button', { name: 'Reset to defaults' }).click()
  await expect(dialog.getByLabel('Font size')).toHaveValue(pins.font_size)

  const session = await start(anna, dialog)
  const marker = world.marker('pinned')
  await session.run(`echo "$TERM" > ${marker}`)
  await expectFile(marker, pins.term)
  expect(await session.rows.evaluate((e) => getComputedStyle(e).fontSize)).toBe(`${pins.font_size}px`)

  // Past the page: another value is refused and starts nothing, the pinned one is not.
  const before = world.events().length
  const ask = (params: Record<string, string>) =>
    anna.context.request.post('/pam/api/asset/fixed/sessions', { data: { params }, headers: { Origin: world.url } })
  for (const [field, value] of [
    ['term', 'xterm-256color'],
    ['font_size', '14'],
  ] as const) {
    const r = await ask({ ...pins, [field]: value })
    expect(r.status()).toBe(422)
    expect(await r.json()).toMatchObject({ error: { code: 'invalid_param', field } })
  }
  expect(
    world
      .events()
      .slice(before)
      .map((e) => e.verb),
  ).not.toContain('Start Session')
  expect((await ask(pins)).status()).toBe(201)

  // Nor by taking the lock off in the page: what it sends does not hold the field, and the server fills in its own.
  const again = await launcher(anna, 'fixed')
  await again.getByLabel('Terminal type', { exact: true }).evaluate((e: HTMLSelectElement) => {
    e.disabled = false
    e.value = 'xterm-256color'
    e.dispatchEvent(new Event('change', { bubbles: true }))
  })
  const forged = await start(anna, again)
  await forged.run(`echo "forged $TERM" > ${marker}`)
  await expectFile(marker, `forged ${pins.term}`)
})

test('L3 E1 a machine behind two jump hosts, and what a lost one of them ends', async ({ anna, world }) => {
  const signIns = (name: string) => world.serverLog(name).match(/Accepted publickey/g)?.length ?? 0
  // The jump hosts are nobody's assets: they are a part of the way.
  for (const hop of ['outer', 'inner']) expect((await anna.page.goto(`/assets/${hop}`))?.status()).toBe(404)
  const session = await start(anna, await launcher(anna, 'far'))
  const marker = world.marker('far')
  await session.run(`echo "$SSH_CONNECTION" > ${marker}`)
  await expectFile(marker, new RegExp(` ${world.address('far').replace(':', ' ')}$`))
  expect([signIns('outer'), signIns('inner'), signIns('far')]).toEqual([1, 1, 1])

  await world.stopServer('inner')
  await expect(session.card('The target was lost')).toBeVisible()
  await expect
    .poll(() => world.events().filter((e) => e.session === session.id && e.verb === 'Complete Session'))
    .toMatchObject([{ reason: 'target_error' }])
  await expectAccessible(session.page)
  // The next one finds no way. What stands in it is for the log, not for the page.
  await session.page.getByRole('button', { name: 'Start again' }).click()
  await expect(session.page.getByText('target_unreachable')).toBeVisible()
  await expect(session.page.locator('body')).not.toContainText('inner')
  expect(world.log).toMatch(/jump host \\?"inner/)
  expect([signIns('outer'), signIns('inner'), signIns('far')]).toEqual([2, 1, 1])
})

test('E1 a user certificate is the credential, and one that has lapsed opens nothing', async ({ anna, world }) => {
  const session = await start(anna, await launcher(anna, 'leased'))
  const marker = world.marker('leased')
  await session.run(`echo "by certificate $((6 * 7))" > ${marker}`)
  await expectFile(marker, 'by certificate 42')
  expect(world.serverLog('certified')).toMatch(/Accepted publickey .*ED25519-CERT.* ID lease-leased \(serial 4711\)/)
  await session.run('exit')
  await expect(session.card('You signed out of leased')).toBeVisible()

  await anna.page.goto(await anna.launch('lapsed'))
  await expect(anna.page.getByText('target_config')).toBeVisible()
  expect(world.log).toContain('it was valid until')
  expect(world.serverLog('certified')).not.toMatch(/Accepted publickey .*serial 4712/)
})
