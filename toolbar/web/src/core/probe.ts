import type { Clock } from './clock.js'

/** How often the way to the gateway is measured, in milliseconds. */
const EVERY = 1000

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

  /** An answer has come. */
  answered(payload: Uint8Array): void {
    if (this.#asked === undefined || payload.length !== 8) return
    const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength)
    if (view.getUint32(4) !== this.#number) return // of a former question
    this.#trip = this.#clock.ticks() - this.#asked
    this.#asked = undefined
  }

  #next(): void {
    if (this.#asked === undefined) {
      this.#number = (this.#number + 1) >>> 0
      const payload = new Uint8Array(8)
      new DataView(payload.buffer).setUint32(4, this.#number)
      if (this.#ask(payload)) this.#asked = this.#clock.ticks()
    }
    this.#cancel = this.#clock.after(EVERY, () => this.#next())
  }
}
