import { expect, type Locator } from '@playwright/test'
import type { Person } from './fixtures.js'

/** Opens the launcher on the page of an asset. */
export async function launcher({ page }: Person, asset: string): Promise<Locator> {
  await page.goto(`/assets/${asset}`)
  await page.getByRole('button', { name: 'Access', exact: true }).click()
  const dialog = page.getByRole('dialog', { name: new RegExp(asset) })
  await expect(dialog.getByLabel('Reason')).toBeVisible()
  return dialog
}

/** The fields of these labels have these values, the boxes are checked or are not, and nobody can change them. */
export async function expectPinned(dialog: Locator, values: Readonly<Record<string, string>>): Promise<void> {
  for (const [label, value] of Object.entries(values)) {
    const field = dialog.getByLabel(label, { exact: true })
    if ((await field.getAttribute('type')) === 'checkbox')
      await expect(field).toBeChecked({ checked: value === 'true' })
    else await expect(field).toHaveValue(value)
    await expectFixed(field, 'Fixed by your organisation’s policy')
  }
}

/** Nobody can change a field, and it says why. */
export async function expectFixed(field: Locator, why: string): Promise<void> {
  await expect(field).toBeDisabled()
  await expect(field).toHaveAccessibleDescription(why)
}
