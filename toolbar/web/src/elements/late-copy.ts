/** How it went with a text: it is in the clipboard, it waits for the focus, or the browser refused. */
export type Copied = 'copied' | 'waits' | 'refused'

/**
 * Texts that come for the user's clipboard when they will. While the page has no focus a browser lets nothing be
 * written: the newest then waits, in place of older ones as in any clipboard, until the focus is back.
 */
export class LateCopy {
  readonly #clipboard: Pick<Clipboard, 'writeText'>
  readonly #heard: (how: Copied) => void
  #waiting: string | undefined

  /** Waits for the focus until the signal says so. */
  constructor(clipboard: Pick<Clipboard, 'writeText'>, signal: AbortSignal, heard: (how: Copied) => void) {
    this.#clipboard = clipboard
    this.#heard = heard
    window.addEventListener('focus', () => void this.#focused(), { signal })
  }

  async take(text: string): Promise<void> {
    this.#waiting = text
    const well = await this.#write(text)
    if (this.#waiting !== text) return // a newer one came meanwhile
    if (well) this.#waiting = undefined
    this.#heard(well ? 'copied' : 'waits')
  }

  async #focused(): Promise<void> {
    const text = this.#waiting
    if (text === undefined) return
    this.#waiting = undefined
    this.#heard((await this.#write(text)) ? 'copied' : 'refused')
  }

  async #write(text: string): Promise<boolean> {
    try {
      await this.#clipboard.writeText(text)
      return true
    } catch {
      return false
    }
  }
}
