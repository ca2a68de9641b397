import type { Clock } from './clock.js'

/** How often the way to the gateway is measured, in milliseconds. */
const EVERY = 1000
/** The gateway answers no question that comes sooner after another one than 100 ms, and some ways let the second catch up with the first. */
const APART = 250
/** A question without an answer for so long was not taken, in milliseconds. */
const LOST = 10_000

/**
 * Probe measures how long the way to the gateway and back is, in line with what else the gateway sends. It asks only while somebody wants to
 * know, and one question at a time: a way that is slow is not made slower.
 */
export class Probe {
  readonly #clock: Clock
  readonly #ask: (payload: Uint8Array) => boolean
  #number = 0
  #asked: number | undefined // when; undefined: nothing is on its way
  #trip: number | undefined
  #last = Number.NEGATIVE_INFINITY // when something was asked
  #cancel: (() => void) | undefined

  /** ask sends a probe; false: there is nobody to be asked now. */
  constructor(clock: Clock, ask: (payload: Uint8Array) => boolean) {
    this.#clock = clock
    this.#ask = ask
  }

  /** Milliseconds there and back; while an answer is late, at least as long as it has been waited for. */
  get trip(): number | undefined {
    if (this.#asked === undefined) return this.#trip
    const waited = this.#clock.ticks() - this.#asked
    return waited > EVERY ? waited : this.#trip
  }

  /** Begins to measure, or ends. */
  run(on: boolean): void {
    if (on === (this.#cancel !== undefined)) return
    this.#cancel?.()
    this.#cancel = undefined
    this.#trip = undefined
    this.#asked = undefined
    if (on) this.#next()
  }

  /** The connection is another one: what is on its way does not come. */
  lost(): void {
    this.#asked = undefined
    this.#trip = undefined
  }

  /** An answer has come; its number, if it is one to the last question. */
  answered(payload: Uint8Array): number | undefined {
    if (this.#asked === undefined || payload.length !== 8) return
    const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength)
    if (view.getUint32(4) !== this.#number) return // of a former question
    this.#trip = this.#clock.ticks() - this.#asked
    this.#asked = undefined
    return this.#number
  }

  /** Asks out of turn, and returns the question's number; undefined: not now. The next one in turn is later by that. */
  now(): number | undefined {
    if (!this.#cancel || this.#asked !== undefined || this.#clock.ticks() - this.#last < APART) return
    this.#cancel()
    this.#next()
    return this.#asked === undefined ? undefined : this.#number
  }

  #next(): void {
    const now = this.#clock.ticks()
    if (this.#asked === undefined || now - this.#asked >= LOST) {
      this.#number = (this.#number + 1) >>> 0
      const payload = new Uint8Array(8)
      new DataView(payload.buffer).setUint32(4, this.#number)
      this.#asked = this.#ask(payload) ? now : undefined
      this.#last = now
    }
    this.#cancel = this.#clock.after(EVERY, () => this.#next())
  }
}
