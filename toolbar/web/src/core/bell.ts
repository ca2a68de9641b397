import type { Clock } from './clock.js'

/** The least time between two rings, in milliseconds: a flash each second is no flicker (WCAG 2.3.1 has three). */
export const BELL_PAUSE = 1000

/** Bell lets a ring through at most once in BELL_PAUSE: a program may ring a thousand times a second. */
export class Bell {
  #last = Number.NEGATIVE_INFINITY
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The target rings. True: it is to be noticed. */
  ring(): boolean {
    const now = this.#clock.now()
    if (now - this.#last < BELL_PAUSE && now >= this.#last) return false
    this.#last = now
    return true
  }
}
