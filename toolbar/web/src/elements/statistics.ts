import { type Rates, rates, type Totals } from '../core/rates.js'
import type { Session } from '../core/session.js'
import type { Desk } from '../desk/desk.js'
import { windowClock } from '../net/window.js'

/** How often statistics are taken, in milliseconds, and how many round trips are kept for the curve. */
const EVERY = 1000
const KEPT = 60

/** What the overlay shows. */
export interface Reading extends Rates {
  /** Milliseconds to the gateway and back. */
  roundTrip: number | undefined
  /** The last ones, oldest first. */
  trips: readonly number[]
  /** Milliseconds from an input to the first picture that was sent after it. */
  inputToPicture: number | undefined
  /** The gateway's name, '' if it has none. */
  gateway: string
  /** The codecs that were used last. */
  codecs: readonly string[]
  /** Size and zoom of a desktop, or columns and rows of a terminal. */
  size: { width: number; height: number; percent?: number }
}

/** What is counted. */
export interface Sources {
  session: Pick<Session, 'received' | 'roundTrip' | 'inputToPicture' | 'state' | 'measure'>
  /** The size of the terminal. */
  cells(): { cols: number; rows: number }
  desk: Pick<Desk, 'measure' | 'picture'> | undefined
}

/** Statistics takes a session's figures while somebody looks at them, and only then. */
export class Statistics {
  readonly #told: (reading: Reading | undefined) => void
  #sources: Sources | undefined
  #timer: ReturnType<typeof setInterval> | undefined
  #before: Totals | undefined
  #trips: number[] = []
  #codecs: string[] = []
  #asking = false

  constructor(told: (reading: Reading | undefined) => void) {
    this.#told = told
  }

  /** Begins with a session's parts; what is shown stays so. */
  start(sources: Sources): void {
    this.stop()
    this.#sources = sources
    sources.session.measure(true)
    this.#timer = setInterval(() => void this.#take(), EVERY)
    void this.#take()
  }

  /** Ends; nothing is told any more. */
  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#sources?.session.measure(false)
    this.#sources = undefined
    this.#before = undefined
    this.#trips = []
    this.#codecs = []
    this.#asking = false
    this.#told(undefined)
  }

  // A worker that is behind answers when it has caught up: it is not asked twice.
  async #take(): Promise<void> {
    const sources = this.#sources
    if (!sources || this.#asking) return
    this.#asking = true
    const stats = await sources.desk?.measure()
    if (sources !== this.#sources) return
    this.#asking = false
    const now: Totals = { at: windowClock.ticks(), received: sources.session.received }
    if (stats) now.picture = { ...stats, codecs: stats.codecMs }
    const is = rates(this.#before ?? now, now)
    this.#before = now
    const { roundTrip, inputToPicture, state } = sources.session
    if (roundTrip !== undefined) this.#trips = [...this.#trips, roundTrip].slice(-KEPT)
    const used = is.picture?.codecs ?? []
    if (used.length > 0) this.#codecs = used
    const { cols, rows } = sources.cells()
    const size = sources.desk?.picture() ?? { width: cols, height: rows }
    this.#told({
      ...is,
      roundTrip,
      inputToPicture,
      gateway: state?.gateway ?? '',
      trips: this.#trips,
      codecs: this.#codecs,
      size,
    })
  }
}
