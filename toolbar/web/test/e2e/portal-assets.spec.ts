import { expectAccessible } from './axe.js'
import { expect, test } from './fixtures.js'

test('the containers by keyboard', async ({ as }) => {
  const { page } = await as('ruth')
  await page.goto('/assets')
  const tree = page.getByRole('tree', { name: 'Containers' })
  const item = (name: RegExp) => tree.getByRole('treeitem', { name })
  await expect(item(/^All assets/)).toHaveAttribute('aria-current', 'page')
  await item(/^All assets/).focus()
  await page.keyboard.press('ArrowDown')
  await expect(item(/^Annex/)).toBeFocused()
  await expect(item(/^Annex/)).toHaveAttribute('aria-expanded', 'false')
  await expect(item(/^Keller/)).toBeHidden()
  await page.keyboard.press('ArrowRight')
  await expect(item(/^Annex/)).toHaveAttribute('aria-expanded', 'true')
  await page.keyboard.press('ArrowRight')
  await expect(item(/^Keller/)).toBeFocused()
  await page.keyboard.press('ArrowLeft')
  await expect(item(/^Annex/)).toBeFocused()
  await page.keyboard.press('l')
  await expect(item(/^Laboratory/)).toBeFocused()
  await page.keyboard.press('Home')
  await expect(item(/^All assets/)).toBeFocused()
  await page.keyboard.press('End')
  await expect(item(/^Laboratory/)).toBeFocused()
  await page.keyboard.type('kel')
  await expect(item(/^Keller/)).toBeFocused()
  // One tab stop for the whole tree.
  await expect(tree.locator('a[tabindex="0"]')).toHaveCount(1)
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL('/assets?in=cellar')
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Kellergeschoss der Fertigungssteuerung')
  await expect(page.getByRole('navigation', { name: 'Path' })).toContainText('Annex')
  await expect(item(/^Keller/)).toHaveAttribute('aria-current', 'page')
  await expect(item(/^Annex/)).toHaveAttribute('aria-expanded', 'true')
  await page.locator('[data-twist]').nth(1).click()
  await expect(item(/^Keller/)).toBeHidden()
  await expect(page).toHaveURL('/assets?in=cellar')
})

test('E3 a container is there when something in it is', async ({ anna, as }) => {
  await anna.page.goto('/assets')
  await expect(anna.page.getByRole('treeitem')).toHaveText([/^All assets\s*9$/, /^Laboratory\s*9$/])
  expect((await anna.page.goto('/assets?in=annex'))?.status()).toBe(404)
  const { page } = await as('ruth')
  await page.goto('/assets?in=annex')
  await expect(page.locator('tbody tr td:first-child')).toHaveText(['Kellergeschoss der Fertigungssteuerung', 'kiosk'])
})

test('L1 L2 Access in the Actions menu opens the launcher', async ({ anna: { page } }) => {
  await page.goto('/assets?in=lab')
  await page.getByRole('button', { name: 'Actions of plain' }).click()
  const menu = page.getByRole('menu', { name: 'Actions of plain' })
  await expect(menu.getByRole('menuitem')).toHaveText([
    'Access',
    'Open asset',
    'My sessions',
    'Copy address of this asset',
  ])
  await expect(menu.getByRole('menuitem', { name: 'Access' })).toBeFocused()
  await page.keyboard.press('Escape')
  await expect(menu).toHaveCount(0)
  await expect(page.getByRole('button', { name: 'Actions of plain' })).toBeFocused()

  // The same by keyboard, from the row.
  await page.getByRole('link', { name: 'plain' }).focus()
  await page.keyboard.press('Shift+F10')
  await page.keyboard.press('End')
  await page.keyboard.press('ArrowDown')
  await expect(menu.getByRole('menuitem', { name: 'Access' })).toBeFocused()
  await expectAccessible(page)
  await page.keyboard.press('Enter')
  const dialog = page.getByRole('dialog', { name: /plain/ })
  await expect(dialog).toBeVisible()
  const popup = page.waitForEvent('popup')
  await dialog.getByRole('button', { name: 'Access', exact: true }).click()
  await expect(await popup).toHaveURL(/\/pam\/s\//)
})

test('L1 E5 without a permitting profile the Actions menu has no Access', async ({ as }) => {
  const { page } = await as('ben')
  await page.goto('/assets?in=lab')
  await page.getByRole('button', { name: 'Actions of shell' }).click()
  await expect(page.getByRole('menuitem')).toHaveText(['Open asset', 'My sessions', 'Copy address of this asset'])
})

test('the container pages are accessible, light and dark', async ({ as }) => {
  const { page } = await as('ruth')
  for (const path of ['/assets', '/assets?in=cellar', '/assets?in=lab&sort=-name']) {
    await page.goto(path)
    await expectAccessible(page)
  }
  await page.setViewportSize({ width: 390, height: 844 })
  await page.goto('/assets?in=annex')
  await expectAccessible(page)
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390)
})
