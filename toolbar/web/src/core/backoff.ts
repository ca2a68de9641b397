/** How long to wait between attempts to reconnect. */
export interface BackoffConfig {
  /** Milliseconds before the second attempt; the first is made at once. */
  first: number
  /** The longest wait in milliseconds. */
  max: number
  /** A number in [0, 1). */
  random: () => number
}

/**
 * Backoff gives the waits between attempts: none before the first, so that a timer that a covered tab's browser slows
 * down does not delay it; then doubling up to a cap, of which the upper half is random, so that the pages that a
 * gateway lost do not come back in step.
 */
export class Backoff {
  #attempts = 0
  readonly #cfg: BackoffConfig

  constructor(cfg: BackoffConfig) {
    this.#cfg = cfg
  }

  /** How many attempts have been asked for. */
  get attempts(): number {
    return this.#attempts
  }

  /** Milliseconds to wait before the next attempt. */
  next(): number {
    const n = this.#attempts++
    if (n === 0) return 0
    const full = Math.min(this.#cfg.max, this.#cfg.first * 2 ** (n - 1))
    return Math.round(full / 2 + (full / 2) * this.#cfg.random())
  }

  /** Begins anew, after a success. */
  reset(): void {
    this.#attempts = 0
  }
}
