import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import type { Locator, Page } from '@playwright/test'
import { expect } from './fixtures.js'

/** The file panel of a session page. */
export class FilesPage {
  readonly panel: Locator
  constructor(readonly page: Page) {
    this.panel = page.getByRole('dialog', { name: 'Files' })
  }

  async open(): Promise<void> {
    await this.page.getByRole('button', { name: /^Open the session toolbar/ }).click({ position: { x: 30, y: 2 } })
    await this.page.getByRole('toolbar').getByRole('button', { name: 'Files', exact: true }).click()
    await expect(this.panel).toBeVisible()
    await expect(this.panel.locator('.list')).toHaveAttribute('aria-busy', 'false')
  }

  /** Goes to a folder by its steps from the root. */
  async go(path: string): Promise<void> {
    await this.panel.getByRole('navigation').getByRole('button', { name: '/', exact: true }).click()
    for (const step of path.split('/').filter((s) => s)) await this.name(step).click()
    await expect(this.panel.getByRole('navigation').locator('[aria-current]')).toHaveText(basename(path))
  }

  name(name: string): Locator {
    return this.panel.getByRole('button', { name, exact: true }).and(this.page.locator('.name'))
  }

  pick(name: string): Promise<void> {
    return this.panel.getByRole('checkbox', { name, exact: true }).check()
  }

  act(name: string): Locator {
    return this.panel.getByRole('button', { name, exact: true })
  }

  async upload(...files: { name: string; buffer: Buffer }[]): Promise<void> {
    await this.panel
      .locator('input[type=file]')
      .setInputFiles(files.map((f) => ({ ...f, mimeType: 'application/octet-stream' })))
  }

  /** Waits until a transfer is over and returns its code. */
  async over(name: string): Promise<string | null> {
    const job = this.panel.locator('.job[data-code]').filter({ hasText: name }).first()
    await expect(job).toBeVisible()
    return job.getAttribute('data-code')
  }

  /** Downloads what is picked and returns the bytes. */
  async download(name: string): Promise<{ name: string; bytes: Buffer }> {
    await this.pick(name)
    const [download] = await Promise.all([this.page.waitForEvent('download'), this.act('Download').click()])
    return { name: download.suggestedFilename(), bytes: readFileSync(await download.path()) }
  }
}
