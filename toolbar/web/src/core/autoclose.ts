import type { Clock } from './clock.js'

/** How long the toolbar stays unused, in milliseconds (T2, T3). */
export const AUTO_CLOSE = 5000

/**
 * AutoClose closes the toolbar when it is not in use: AUTO_CLOSE after opening if it is never entered, and as long after
 * the last use ends. Uses are named, since several can hold it at once: the pointer, the focus, a panel.
 */
export class AutoClose {
  readonly #uses = new Set<string>()
  #cancel: (() => void) | undefined
  #open = false
  readonly #clock: Clock
  readonly #close: () => void
  readonly #delay: number

  constructor(clock: Clock, close: () => void, delay = AUTO_CLOSE) {
    this.#clock = clock
    this.#close = close
    this.#delay = delay
  }

  /** The toolbar has opened. */
  opened(): void {
    this.#open = true
    this.#arm()
  }

  /** The toolbar has closed. */
  closed(): void {
    this.#open = false
    this.#uses.clear()
    this.#disarm()
  }

  /** A use begins or ends. */
  use(name: string, inUse: boolean): void {
    if (inUse === this.#uses.has(name)) return
    if (inUse) this.#uses.add(name)
    else this.#uses.delete(name)
    this.#arm()
  }

  #arm(): void {
    this.#disarm()
    if (!this.#open || this.#uses.size > 0) return
    this.#cancel = this.#clock.after(this.#delay, () => {
      this.#cancel = undefined
      this.#close()
    })
  }

  #disarm(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }
}
