import { expectAccessible } from './axe.js'
import { expect, test } from './fixtures.js'
import { evilAsset, evilName, password } from './world.js'

test('signing in and out', async ({ world, browser }) => {
  const context = await browser.newContext({ baseURL: world.url })
  const page = await context.newPage()
  await page.goto('/assets/shell')
  await expect(page).toHaveURL('/login?next=%2Fassets%2Fshell')
  await expect(page.getByLabel('Name')).toBeFocused()
  await page.getByLabel('Name').fill('anna')
  await page.getByLabel('Password').fill('wrong')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('alert')).toHaveText('Name or password is wrong.')
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await expect(page).toHaveURL('/assets/shell')
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('shell')
  await page.getByRole('button', { name: 'Sign out' }).click()
  await expect(page.getByRole('status')).toHaveText('You are signed out. Your sessions have ended.')
  await page.goto('/assets')
  await expect(page).toHaveURL('/login?next=%2Fassets')
  await context.close()
})

test('the asset list by keyboard', async ({ anna: { page } }) => {
  await page.goto('/assets')
  const names = page.locator('tbody tr:not(.folder):visible td:first-child')
  await expect(names).toHaveCount(9)
  await page.keyboard.press('/')
  await expect(page.getByRole('searchbox')).toBeFocused()
  await page.keyboard.type('pl')
  await expect(names).toHaveText(['plain'])
  await expect(page.locator('[data-counter]')).toHaveText('1 of 9')
  await page.keyboard.press('ArrowDown')
  await expect(page.getByRole('link', { name: 'plain' })).toBeFocused()
  await page.keyboard.press('ArrowUp')
  await expect(page.getByRole('searchbox')).toBeFocused()
  await page.keyboard.press('Escape')
  await expect(names).toHaveCount(9)
  await page.keyboard.press('ArrowDown')
  await expect(page.getByRole('table').getByRole('link', { name: 'Laboratory' })).toBeFocused()
  await page.keyboard.press('End')
  await expect(page.getByRole('link', { name: 'wrong-password' })).toBeFocused()
  await page.keyboard.press('Home')
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(/\/assets\/(evil|locked|narrow|plain)$/)
})

test('filters are in the address', async ({ anna: { page } }) => {
  await page.goto('/assets')
  await page.getByRole('link', { name: /^SSH/ }).click()
  await expect(page).toHaveURL('/assets?protocol=ssh')
  await expect(page.locator('tbody tr')).toHaveCount(8)
  await page.getByRole('searchbox').fill('zebra')
  await expect(page.getByText('Nothing here matches')).toBeVisible()
  await page.keyboard.press('Enter')
  await expect(page.getByRole('heading', { name: 'No asset matches “zebra” here' })).toBeVisible()
  await page.getByRole('link', { name: 'Clear filters' }).click()
  await expect(page.locator('tbody tr:not(.folder)')).toHaveCount(9)
  await page.getByRole('link', { name: 'My access' }).click()
  await page.getByRole('link', { name: 'Name' }).click()
  await page.getByRole('link', { name: 'Name' }).click()
  await expect(page).toHaveURL('/assets?sort=-name')
  await expect(page.getByRole('columnheader', { name: 'Name' })).toHaveAttribute('aria-sort', 'descending')
  await expect(page.locator('tbody tr:not(.folder) td:first-child').first()).toHaveText('wrong-password')
})

test('light, dark, and back', async ({ anna: { page } }) => {
  await page.goto('/assets')
  const canvas = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
  await expect.poll(canvas).toBe('rgb(247, 248, 250)')
  const kept = page.waitForResponse((r) => r.request().method() === 'POST')
  await page.getByRole('button', { name: 'Dark theme' }).click()
  await expect.poll(canvas).toBe('rgb(17, 19, 24)')
  await expect(page.getByRole('button', { name: 'Light theme' })).toBeFocused()
  await kept
  await page.goto('/sessions')
  await expect.poll(canvas).toBe('rgb(17, 19, 24)')
  await page.getByRole('button', { name: 'Light theme' }).click()
  await expect.poll(canvas).toBe('rgb(247, 248, 250)')
})

test('S08 names with markup are text on every page', async ({ as, world }) => {
  const cleo = await as('cleo')
  const { page } = cleo
  let dialogs = 0
  page.on('dialog', (d) => {
    dialogs++
    void d.dismiss()
  })
  const pages = [
    '/assets',
    `/assets?q=${encodeURIComponent(evilName)}`,
    '/assets/evil',
    '/sessions',
    `/sessions?q=${encodeURIComponent(evilAsset)}`,
    `/nothing/${encodeURIComponent(evilName)}`,
  ]
  await cleo.launch('evil')
  for (const path of pages) {
    await page.goto(path)
    await expect(page.locator('.me')).toContainText(evilName)
    await expect(page).not.toHaveTitle('owned')
    // What would be there if a name had been parsed.
    await expect(page.locator('img, b, script:not([src]), svg[onload]')).toHaveCount(0)
  }
  await page.goto('/assets/evil')
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(evilAsset)
  await page.goto('/sessions')
  await expect(page.locator('tbody .mid').first()).toHaveText(evilAsset)
  const csv = await (await page.request.get('/sessions.csv')).text()
  expect(csv).toContain(evilName.replaceAll('"', '""'))
  expect(dialogs).toBe(0)
  expect(world.log).not.toContain('panic')
})

test('E3 an asset without a role does not exist', async ({ as }) => {
  const ben = await as('ben')
  await ben.page.goto('/assets')
  await expect(ben.page.locator('tbody tr td:first-child')).toHaveText(['Laboratory', 'shell'])
  for (const path of ['/assets/plain', '/assets/unknown']) {
    const r = await ben.page.goto(path)
    expect(r?.status()).toBe(404)
    await expect(ben.page.getByRole('heading', { level: 1 })).toHaveText('There is nothing here')
  }
  const dora = await as('dora')
  await dora.page.goto('/assets')
  await expect(dora.page.getByRole('heading', { name: 'No assets for you yet' })).toBeVisible()
})

test('E4 E5 without a permitting profile there is no button, and the server refuses', async ({ as, world }) => {
  const ben = await as('ben')
  await ben.page.goto('/assets/shell')
  await expect(ben.page.getByRole('heading', { level: 1 })).toHaveText('shell')
  await expect(ben.page.getByText('Your access profile does not permit sessions here.')).toBeVisible()
  await expect(ben.page.getByRole('button', { name: 'Access' })).toHaveCount(0)
  const mine = () => world.events().filter((e) => e.user === 'ben') // sessions of others may still be ending
  const before = mine().length
  const r = await ben.context.request.post('/pam/api/asset/shell/sessions', {
    data: {},
    headers: { Origin: world.url },
  })
  expect(r.status()).toBe(403)
  expect(await r.json()).toMatchObject({ error: { code: 'profile_denied' } })
  expect(mine().slice(before)).toMatchObject([
    { verb: 'Deny Session', user: 'ben', asset: 'shell', code: 'profile_denied' },
  ])
})

test('pages are accessible, light and dark', async ({ anna, as }) => {
  test.slow()
  const { page } = anna
  await anna.launch('plain')
  for (const path of ['/assets', '/assets?q=zebra&start=1', '/assets/shell', '/assets/note', '/sessions', '/nothing']) {
    await page.goto(path)
    await expectAccessible(page)
  }
  const dora = await as('dora')
  await dora.page.goto('/sessions')
  await expectAccessible(dora.page)
  await dora.page.getByRole('button', { name: 'Sign out' }).click()
  await dora.page.getByLabel('Name').fill('nobody')
  await dora.page.getByLabel('Password').fill('wrong')
  await dora.page.keyboard.press('Enter')
  await expect(dora.page.getByRole('alert')).toBeVisible()
  await expectAccessible(dora.page)
})
