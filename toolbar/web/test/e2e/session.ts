import type { Locator, Page } from '@playwright/test'

/** A session page. */
export class SessionPage {
  constructor(readonly page: Page) {}

  async ready(): Promise<void> {}

  get element(): Locator {
    return this.page.locator('sp-session')
  }
}
