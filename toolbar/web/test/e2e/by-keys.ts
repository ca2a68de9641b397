import { expect } from './fixtures.js'
import type { SessionPage } from './session.js'
import { expectBoth, typing } from './walk.js'

/** Opens the toolbar with the keys, so that the focus is in it. */
export async function byKeys(session: SessionPage): Promise<void> {
  await session.page.locator(typing).focus()
  for (const k of ['ControlLeft', 'AltLeft', 'ShiftLeft']) await session.page.keyboard.down(k)
  for (const k of ['ControlLeft', 'AltLeft', 'ShiftLeft']) await session.page.keyboard.up(k)
  await expect(session.bar).toBeVisible()
  await expect(session.bar.getByRole('button').first()).toBeFocused()
}

/** Moves inside the toolbar to one of its buttons and presses it. */
async function choose(session: SessionPage, name: string): Promise<void> {
  const tool = session.tool(name)
  for (let i = 0; i < 10 && !(await tool.evaluate((e) => e.matches(':focus'))); i++) {
    await session.page.keyboard.press('ArrowRight')
  }
  await session.page.keyboard.press('Enter')
}

/** Opens a panel from the toolbar, walks it, and goes back to what takes the keys, by keys alone. */
export async function throughPanel(session: SessionPage, tool: string): Promise<void> {
  const { page } = session
  await byKeys(session)
  await choose(session, tool)
  const panel = page.getByRole('dialog', { name: tool })
  await expect(panel).toBeVisible()
  await expect.poll(() => panel.evaluate((e) => e.matches(':focus-within'))).toBe(true)
  await expectBoth(page)
  await session.tool(tool).focus()
  await page.keyboard.press('Escape') // the panel
  await expect(panel).toBeHidden()
  await page.keyboard.press('Escape') // the toolbar
  await expect(session.bar).toBeHidden()
  await expect(page.locator(typing)).toBeFocused()
}
