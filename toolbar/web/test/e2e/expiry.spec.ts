import { AskWorld } from './ask-world.js'
import { expectAccessible } from './axe.js'
import { test as base, expect, type Person, worldOf } from './fixtures.js'
import type { World } from './world.js'

const test = base.extend<object, { world: World }>({ world: worldOf(() => new AskWorld()) })

interface Asked {
  id: string
  terms: string
  level: number
}

/** Makes a request and has it approved by these people, level by level. */
async function approve(user: Person, path: string, body: object, world: World, by: Person[]): Promise<void> {
  const headers = { Origin: world.url }
  const made = await user.context.request.post(`/pam/api/${path}/requests`, { data: body, headers })
  expect(made.status()).toBe(201)
  let r = (await made.json()) as Asked
  for (const approver of by) {
    const said = await approver.context.request.post(`/pam/api/request/${r.id}/decision`, {
      data: { approve: true, terms: r.terms, level: r.level },
      headers,
    })
    expect(said.status()).toBe(200)
    r = (await said.json()) as Asked
  }
}

const seconds = (text: string): number =>
  text
    .trim()
    .split(':')
    .reduce((sum, part) => sum * 60 + Number(part), 0)

test('I2 I3 I4 the end of an approved session counts down, and its owner moves it where nothing has to be approved', async ({
  anna,
  as,
  world,
}) => {
  const mia = await as('mia')
  await approve(anna, 'asset/plain', { lasting_seconds: 1800 }, world, [mia])
  const session = await anna.open('plain')
  const { page } = session
  await session.open()
  const timer = session.bar.getByRole('timer')
  await expect.poll(async () => seconds((await timer.textContent()) ?? '')).toBeLessThan(1800)
  expect(seconds((await timer.textContent()) ?? '')).toBeGreaterThan(1500)
  await expectAccessible(page)
  await session.tool('Extend').click()
  const panel = page.getByRole('dialog', { name: 'Extend' })
  await expect(panel.getByRole('radio')).toHaveCount(4)
  await panel.getByText('30 min', { exact: true }).click()
  await expectAccessible(page)
  await panel.getByRole('button', { name: /^Extend to \d\d:\d\d$/ }).click()
  await expect(panel).toBeHidden()
  await session.open()
  await expect.poll(async () => seconds((await timer.textContent()) ?? '')).toBeGreaterThan(3000)
  expect(world.events().filter((e) => e.verb === 'Extend Session' && e.user === 'anna')).toHaveLength(1)
})

test('I4 where it has to be approved the owner asks without leaving the session, and the old end stands until then', async ({
  anna,
  as,
  world,
}) => {
  const [mia, otto] = [await as('mia'), await as('otto')]
  await approve(anna, 'asset/shell', { lasting_seconds: 1800, ticket_id: 'INC-1' }, world, [mia, otto])
  const session = await anna.open('shell')
  const { page } = session
  await session.open()
  const timer = session.bar.getByRole('timer')
  await session.tool('Extend (Request Access)').click()
  const panel = page.getByRole('dialog', { name: 'Extend' })
  await panel.getByLabel('Reason').fill('Replica is still catching up')
  await panel.getByRole('button', { name: 'Request access' }).click()
  await expect(session.tool('Extend (Waiting for Approval)')).toBeVisible()
  await expect(panel.getByText(/not decided yet/)).toBeVisible()
  await expectAccessible(page)
  expect(seconds((await timer.textContent()) ?? '')).toBeLessThanOrEqual(1800)

  await mia.page.goto('/requests')
  await mia.page.getByRole('link', { name: 'shell' }).click()
  await expect(mia.page.getByText('Replica is still catching up')).toBeVisible()
  await mia.page.getByRole('button', { name: 'Approve' }).click()
  await panel.getByRole('button', { name: /^Extend to \d\d:\d\d$/ }).click()
  await expect(panel).toBeHidden()
  await session.open()
  await expect.poll(async () => seconds((await timer.textContent()) ?? '')).toBeGreaterThan(1800)
  await expect(session.tool('Extend (Request Access)')).toBeVisible()
})

test('I3 no countdown where no approval ends the session', async ({ anna }) => {
  const session = await anna.open('evil')
  await session.open()
  await expect(session.bar.getByRole('timer')).toHaveCount(0)
})
