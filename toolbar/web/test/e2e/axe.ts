import AxeBuilder from '@axe-core/playwright'
import type { Page } from '@playwright/test'
import { expect } from './fixtures.js'

/**
 * Expects that axe finds nothing on the page as it is, in the light and in the dark theme. Colours must not be on their
 * way from one theme, or from one state of a button, to the other while they are measured.
 */
export async function expectAccessible(page: Page): Promise<void> {
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' })
  await settled(page)
  await expectNone(new AxeBuilder({ page }))
  await page.emulateMedia({ colorScheme: 'dark' })
  await settled(page)
  await expectNone(new AxeBuilder({ page }).withRules(['color-contrast'])) // the rest does not depend on colours
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: null })
}

/** Waits until nothing on the page is on its way, in any shadow tree. What never ends, such as a spinner, does not count. */
async function settled(page: Page): Promise<void> {
  await page.waitForFunction(() => {
    const roots = (root: Document | ShadowRoot): (Document | ShadowRoot)[] => [
      root,
      ...[...root.querySelectorAll('*')].flatMap((e) => (e.shadowRoot ? roots(e.shadowRoot) : [])),
    ]
    const moving = (a: Animation): boolean =>
      a.playState === 'running' && a.effect?.getComputedTiming().endTime !== Number.POSITIVE_INFINITY
    return !roots(document).some((root) => root.getAnimations().some(moving))
  })
}

async function expectNone(axe: AxeBuilder): Promise<void> {
  const { violations } = await axe.analyze()
  expect(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(' ')).join(', ')}`)).toEqual([])
}
