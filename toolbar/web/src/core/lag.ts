import type { Clock } from './clock.js'

/** After this time without a picture nothing is taken for what an input has caused, in milliseconds. */
const PATIENCE = 2000
/** Of so many the one in the middle is told: a click that changes nothing waits for a clock to go on, and says little. */
const KEPT = 5

const KEY = 1
const UNICODE = 2
const MOVE = 1
const BUTTON = 2
const PRESSED = 0x80

/**
 * Whether events of a desktop (pam/PROTOCOL.md) are such as change a picture as a rule: something is pressed, or a wheel turned. Whoever lifts
 * a key or moves the mouse often changes nothing, and the next picture would have another cause.
 */
export function presses(kind: 'key' | 'pointer', events: Uint8Array): boolean {
  const size = kind === 'key' ? 4 : 8
  for (let at = 0; at + size <= events.length; at += size) {
    const [what, flags] = [events[at] ?? 0, events[at + 1] ?? 0]
    if (kind === 'key' && (what === KEY || what === UNICODE) && flags === 1) return true
    if (kind === 'pointer' && (what === BUTTON ? (flags & PRESSED) !== 0 : what > MOVE)) return true
  }
  return false
}

/**
 * Lag measures how long it takes from the sending of an input until a picture is drawn that the gateway has sent later than it had the input.
 * What was on its way before does not count: a probe goes out behind the input, and only pictures behind its answer are looked at. The first
 * of those counts, whatever caused it: of a desktop that moves by itself this is less than what the input takes. What waits at the gateway for
 * a page that is behind counts as later.
 */
export class Lag {
  readonly #clock: Clock
  readonly #ask: () => number | undefined
  #on = false
  #input: { at: number; probe: number; answered: boolean } | undefined
  #last: number[] = []

  /** ask sends a probe and returns its number; undefined: not now. */
  constructor(clock: Clock, ask: () => number | undefined) {
    this.#clock = clock
    this.#ask = ask
  }

  /** Milliseconds from input to picture, in the middle of the last ones. */
  get ms(): number | undefined {
    return [...this.#last].sort((a, b) => a - b)[(this.#last.length - 1) >> 1]
  }

  run(on: boolean): void {
    if (on === this.#on) return
    this.#on = on
    this.lost()
  }

  /** The connection is another one, or nobody wants to know. */
  lost(): void {
    this.#input = undefined
    this.#last = []
  }

  /** Something was pressed, and has just been sent. While one input is measured, others are not. */
  pressed(): void {
    if (!this.#on || this.#waits()) return
    const at = this.#clock.ticks()
    const probe = this.#ask()
    this.#input = probe === undefined ? undefined : { at, probe, answered: false }
  }

  /** The probe of that number is answered: what comes now was sent later. */
  answered(probe: number | undefined): void {
    if (this.#input?.probe === probe && this.#input) this.#input.answered = true
  }

  /** A picture has come; the result, if there is one, is to be called when it is drawn. */
  picture(): (() => void) | undefined {
    if (!this.#waits() || !this.#input?.answered) return
    const { at } = this.#input
    this.#input = undefined
    return () => {
      if (this.#on) this.#last = [...this.#last, this.#clock.ticks() - at].slice(-KEPT)
    }
  }

  #waits(): boolean {
    return this.#input !== undefined && this.#clock.ticks() - this.#input.at <= PATIENCE
  }
}
