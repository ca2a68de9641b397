import { type Piece, parsePiece, planes } from './piece.js'
import { Resampler } from './resampler.js'
import { Ring } from './ring.js'

/** How much sound waits, in milliseconds: at most, before it begins, and once some had to be dropped. */
export const ROOM = 200
const START = 60
const KEEP = 80

/** What has become of the sound so far; times are in milliseconds. */
export interface SoundStats {
  /** Payloads that could not be played. */
  refused: number
  /** What was heard. */
  played: number
  /** What came too fast and was dropped here. */
  dropped: number
  /** What was lost on its way here. */
  lost: number
  /** Silences in between, for want of sound. */
  gaps: number
}

/** Mixer turns payloads into what a sound card asks for. */
export class Mixer {
  readonly #rate: number
  readonly #ring: Ring
  #from = 0
  #left: Resampler | undefined
  #right: Resampler | undefined
  #refused = 0
  #lost = 0
  #played = 0 // samples

  /** rate: that of what is asked for. */
  constructor(rate: number) {
    this.#rate = rate
    const samples = (ms: number): number => Math.round((rate * ms) / 1000)
    this.#ring = new Ring(samples(ROOM), samples(START), samples(KEEP))
  }

  /** Takes a payload, whatever it holds. */
  push(payload: Uint8Array): void {
    const piece = parsePiece(payload)
    if (!piece) {
      this.#refused++
      return
    }
    this.#lost += piece.lost
    this.#tune(piece)
    const [left, right] = planes(piece)
    const l = this.#left?.next(left) ?? left
    // The right one goes its own way even for one channel: it is to go on without a seam when there are two.
    this.#ring.push(l, this.#right?.next(right) ?? right)
  }

  /** Fills what is to be heard now. */
  pull(left: Float32Array, right: Float32Array): void {
    this.#played += this.#ring.pull(left, right)
  }

  /** Forgets what waits: it is not to be heard later. */
  clear(): void {
    this.#ring.clear()
  }

  stats(): SoundStats {
    const ms = (samples: number): number => Math.round((samples * 1000) / this.#rate)
    return {
      refused: this.#refused,
      played: ms(this.#played),
      dropped: ms(this.#ring.dropped),
      lost: this.#lost,
      gaps: this.#ring.gaps,
    }
  }

  #tune({ rate }: Piece): void {
    if (rate === this.#from) return
    this.#from = rate
    this.#left = new Resampler(rate, this.#rate)
    this.#right = new Resampler(rate, this.#rate)
  }
}
