import type { Page } from '@playwright/test'
import { AskWorld } from './ask-world.js'
import { expectAccessible } from './axe.js'
import { test as base, expect, worldOf } from './fixtures.js'
import { expectWalkable } from './walk.js'
import { evilName, type World } from './world.js'

const test = base.extend<object, { world: World }>({ world: worldOf(() => new AskWorld()) })

const state = (page: Page) => page.locator('sp-request [role=status].badge')

test('Q4 Q5 S12 asking, two levels that decide, and the page moves on by itself to a session', async ({
  as,
  world,
}) => {
  const [anna, mia, nils] = [await as('anna'), await as('mia'), await as('nils')]
  await anna.page.goto('/assets/shell')
  await anna.page.getByRole('link', { name: 'Request access' }).click()
  await expect(anna.page).toHaveURL(/\/requests\/new\?asset=shell$/)
  const send = anna.page.getByRole('button', { name: 'Request access' })
  await send.click()
  await expect(anna.page.getByText('A ticket is needed here.')).toBeVisible()
  await expect(anna.page.getByLabel('Ticket')).toBeFocused()
  await expectAccessible(anna.page)
  await anna.page.getByLabel('Ticket').fill('INC-20418')
  await anna.page.getByLabel('Reason').fill('Replication fails <b>since</b> 13:41.')
  await anna.page.getByText('Set a time').click()
  const until = anna.page.getByLabel('Until')
  await until.fill('2020-01-01T10:00')
  await send.click()
  await expect(anna.page.getByText('Until must come after From, and still be ahead.')).toBeVisible()
  await anna.page.getByText('2 hours', { exact: true }).click()
  await send.click()
  await expect(anna.page).toHaveURL(/\/requests\/[\w-]{20,}$/)
  await expect(state(anna.page)).toHaveText('Pending')
  await expectAccessible(anna.page)
  const address = new URL(anna.page.url()).pathname

  // The button leads to what is waited for, and the request itself is nothing that can be begun with.
  const asset = await anna.context.newPage()
  await asset.goto('/assets/shell')
  await expect(asset.getByRole('link', { name: 'View request' })).toHaveAttribute('href', new RegExp(`${address}$`))
  await asset.close()

  await mia.page.goto('/requests')
  await expect(mia.page.getByTitle('Requests that wait for you')).toHaveText('1')
  await expectAccessible(mia.page)
  await mia.page.getByRole('link', { name: 'shell' }).click()
  await expect(mia.page.getByText('Replication fails <b>since</b> 13:41.')).toBeVisible()
  await expect(mia.page.getByText('2 hours from the approval')).toBeVisible()
  await mia.page.getByRole('button', { name: 'Reject' }).click()
  await expect(mia.page.getByText('Say why you reject it.')).toBeVisible()
  await expectAccessible(mia.page)
  await mia.page.getByLabel('Note').fill('Tell me when it is back.')
  await mia.page.getByRole('button', { name: 'Approve' }).click()
  await expect(mia.page.getByRole('button', { name: 'Approve' })).toBeHidden()

  await expect(anna.page.getByText('Tell me when it is back.')).toBeVisible()
  await expect(state(anna.page)).toHaveText('Pending')
  await nils.page.goto(address)
  await nils.page.getByRole('button', { name: 'Approve' }).click()
  await expect(state(anna.page)).toHaveText('Approved')
  await expect(anna.page.getByText('You can start a session now.')).toBeVisible()
  await expectAccessible(anna.page)
  await anna.page.getByRole('button', { name: 'Access', exact: true }).click()
  const popup = anna.page.waitForEvent('popup')
  await anna.page.getByRole('dialog').getByRole('button', { name: 'Access', exact: true }).click()
  const session = await popup
  await expect(session.locator('.xterm-rows')).toContainText(/[$#]/)

  // Given back, it ends what runs by it.
  await anna.page.getByRole('button', { name: 'Give back' }).click()
  await expect(state(anna.page)).not.toHaveText('Approved')
  await expect(session.getByRole('heading', { name: /withdrawn|over/ })).toBeVisible()
  expect(world.events().some((e) => e.verb === 'Start Session' && e.user === 'anna')).toBe(true)
})

test('Q5 S12 S49 a page that is behind decides about nothing, and no link decides', async ({ as }) => {
  const [anna, mia] = [await as('anna'), await as('mia')]
  await anna.page.goto('/requests/new?asset=plain')
  await anna.page.getByRole('button', { name: 'Request access' }).click()
  await expect(state(anna.page)).toHaveText('Pending')
  // The approver's page hears nothing of what happens meanwhile.
  await mia.page.route(/\?after=/, () => undefined)
  await mia.page.goto(new URL(anna.page.url()).pathname)
  await expect(mia.page.getByRole('button', { name: 'Approve' })).toBeVisible()
  await anna.page.getByRole('button', { name: 'Withdraw' }).click()
  await expect(state(anna.page)).toHaveText('Withdrawn')
  await mia.page.getByRole('button', { name: 'Approve' }).click()
  await expect(mia.page.getByRole('alert')).toContainText('The request is closed')
  await expect(state(mia.page)).toHaveText('Withdrawn')
  await mia.page.unrouteAll({ behavior: 'ignoreErrors' })
  for (const rest of ['decision', 'withdraw', 'revoke']) {
    const id = anna.page.url().split('/').at(-1)
    expect((await mia.context.request.get(`/pam/api/request/${id}/${rest}`)).status()).toBe(405)
  }
})

test('Q4 S08 a rejection says why, and names of others are text', async ({ as }) => {
  const [cleo, mia, ruth] = [await as('cleo'), await as('mia'), await as('ruth')]
  await cleo.page.goto('/requests/new?asset=plain')
  await cleo.page.getByLabel('Reason').fill(evilName)
  await cleo.page.getByRole('button', { name: 'Request access' }).click()
  await expect(state(cleo.page)).toHaveText('Pending')
  await mia.page.goto('/requests')
  await mia.page.getByRole('link', { name: 'plain' }).click()
  await mia.page.getByLabel('Note').fill(evilName)
  await mia.page.getByRole('button', { name: 'Reject' }).click()
  await expect(state(cleo.page)).toHaveText('Rejected')
  await expect(cleo.page.getByText(evilName).first()).toBeVisible()
  expect(await cleo.page.title()).not.toContain('owned')
  await ruth.page.goto('/requests')
  await ruth.page.getByRole('tab', { name: 'For me to decide' }).focus()
  await ruth.page.keyboard.press('ArrowLeft')
  await expect(ruth.page.getByRole('tab', { name: 'All' })).toBeFocused()
  await expect(ruth.page.getByText('Rejected').first()).toBeVisible()
})

test('T8 every stop of the screens of requests is reached by Tab', async ({ as }) => {
  const { page } = await as('anna')
  await page.goto('/requests/new?asset=shell')
  await expect(page.getByLabel('Ticket')).toBeVisible()
  await expectWalkable(page)
})

for (const [width, height] of [
  [1280, 800],
  [390, 844],
] as const) {
  test(`Q4 Q5 the screens fit ${width} pixels`, async ({ as }, info) => {
    const [anna, mia] = [await as('anna'), await as('mia')]
    for (const p of [anna, mia]) await p.page.setViewportSize({ width, height })
    const shoot = async (page: Page, name: string) => {
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
        await page.screenshot({ path: info.outputPath(`${name}-${width}-${colorScheme}.png`) })
      }
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width)
    }
    await anna.page.goto('/requests/new?asset=shell')
    await anna.page.getByLabel('Ticket').fill('INC-20418')
    await anna.page.getByLabel('Reason').fill('Replication fails with error 1722 since 13:41.')
    await shoot(anna.page, 'ask')
    await anna.page.getByRole('button', { name: 'Request access' }).click()
    await expect(state(anna.page)).toHaveText('Pending')
    await shoot(anna.page, 'view')
    await mia.page.goto('/requests')
    await expect(mia.page.getByRole('link', { name: 'shell' }).first()).toBeVisible()
    await shoot(mia.page, 'list')
    await mia.page.goto(new URL(anna.page.url()).pathname)
    await expect(mia.page.getByRole('button', { name: 'Approve' })).toBeVisible()
    await shoot(mia.page, 'decide')
    await anna.page.getByRole('button', { name: 'Withdraw' }).click()
    await expect(state(anna.page)).toHaveText('Withdrawn')
  })
}
