import { readFileSync } from 'node:fs'
import { expect, type Locator, type Page, type WebSocket } from '@playwright/test'

/** Kinds of frames from the browser, see pam/PROTOCOL.md. */
export const kinds = { hello: 0x80, key: 0x81, resize: 0x83, paste: 0x84, ack: 0x85 } as const

/** A session page, with its terminal drawn as elements, so that its text can be read. */
export class SessionPage {
  readonly rows: Locator
  readonly handle: Locator
  readonly bar: Locator

  constructor(readonly page: Page) {
    this.rows = page.locator('.xterm-rows')
    this.handle = page.getByRole('button', { name: /^Open the session toolbar/ })
    this.bar = page.getByRole('toolbar', { name: 'Session toolbar' })
  }

  get id(): string {
    return this.page.url().split('/').pop() ?? ''
  }

  /** Waits for a shell and makes its prompt short; it keeps no history on the machine. */
  async ready(): Promise<void> {
    await expect(this.rows).toContainText(/[$#>] ?\s*$/)
    await this.focus()
    await this.run(`unset HISTFILE; PS1='$ '; clear; echo re''ady`)
    await expect(this.rows).toHaveText(/^ready\s*\$\s*$/)
  }

  async focus(): Promise<void> {
    await this.page.locator('.xterm-helper-textarea').focus()
  }

  /** Types a command and Enter. */
  async run(command: string): Promise<void> {
    await this.page.keyboard.type(command)
    await this.page.keyboard.press('Enter')
  }

  /** The rows of the screen, without trailing space. */
  async screen(): Promise<string[]> {
    const rows = await this.rows.locator('> div').allTextContents()
    return rows.map((r) => r.replaceAll('\u00a0', ' ').trimEnd())
  }

  /** Opens the toolbar by its handle, from above the place where the bar appears. */
  async open(): Promise<void> {
    await this.handle.click({ position: { x: 30, y: 2 } })
    await expect(this.bar).toBeVisible()
  }

  tool(name: string): Locator {
    return this.bar.getByRole('button', { name, exact: true })
  }

  /** The card that stands over the picture when nothing can be typed. */
  card(title: string | RegExp): Locator {
    return this.page.getByRole('heading', { name: title })
  }
}

/** Frames that a page has sent and received. */
export class Wire {
  readonly sent: Buffer[] = []
  readonly received: Buffer[] = []
  readonly urls: string[] = []

  constructor(page: Page) {
    page.on('websocket', (ws: WebSocket) => {
      this.urls.push(ws.url())
      ws.on('framesent', (f) => this.sent.push(Buffer.from(f.payload)))
      ws.on('framereceived', (f) => this.received.push(Buffer.from(f.payload)))
    })
  }

  /** How many frames of a kind were sent. */
  count(kind: number): number {
    return this.sent.filter((b) => b[0] === kind).length
  }

  /** Keyboard input that was sent. */
  input(): string {
    return this.sent
      .filter((b) => b[0] === kinds.key)
      .map((b) => b.subarray(6).toString())
      .join('')
  }
}

/** Waits until a file has a text in it: something ran on the target. */
export async function expectFile(path: string, text: string | RegExp): Promise<void> {
  const read = () => {
    try {
      return readFileSync(path, 'utf8').trim()
    } catch {
      return undefined
    }
  }
  if (typeof text === 'string') await expect.poll(read).toBe(text)
  else await expect.poll(() => read() ?? '').toMatch(text)
}
