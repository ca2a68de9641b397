import AxeBuilder from '@axe-core/playwright'
import type { Page } from '@playwright/test'
import { expect } from './fixtures.js'

/**
 * Expects that axe finds nothing on the page as it is, in the light and in the dark theme. Colours must not be on their
 * way from one theme to the other while they are measured.
 */
export async function expectAccessible(page: Page): Promise<void> {
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' })
  await expectNone(new AxeBuilder({ page }))
  await page.emulateMedia({ colorScheme: 'dark' })
  await expectNone(new AxeBuilder({ page }).withRules(['color-contrast'])) // the rest does not depend on colours
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: null })
}

async function expectNone(axe: AxeBuilder): Promise<void> {
  const { violations } = await axe.analyze()
  expect(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(' ')).join(', ')}`)).toEqual([])
}
