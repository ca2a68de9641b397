import type { Clock } from '../core/clock.js'
import { LONG_PRESS, STRAY } from './pointer.js'
import type { Turn } from './wheel.js'

/** A finger, in CSS pixels of the screen's box. */
export interface Finger {
  id: number
  x: number
  y: number
}

/** What fingers do to a desktop. */
export interface Hand {
  click(button: 0 | 2, at: Finger): void
  press(at: Finger): void
  drag(at: Finger): void
  lift(at: Finger): void
  turn(turn: Turn, at: Finger): void
}

/**
 * Touch turns fingers into what a mouse does: a tap clicks, a long press is the right button, a finger that moves drags with the left
 * one, two fingers turn the wheels.
 */
export class Touch {
  readonly #hand: Hand
  readonly #clock: Pick<Clock, 'after'>
  readonly #fingers = new Map<number, Finger>()
  #start: Finger | undefined
  #mode: 'none' | 'waiting' | 'drag' | 'scroll' | 'done' = 'none'
  #cancel = (): void => {}

  constructor(hand: Hand, clock: Pick<Clock, 'after'>) {
    this.#hand = hand
    this.#clock = clock
  }

  down(f: Finger): void {
    this.#fingers.set(f.id, f)
    this.#cancel()
    if (this.#fingers.size === 1) {
      this.#start = f
      this.#mode = 'waiting'
      this.#cancel = this.#clock.after(LONG_PRESS, () => {
        if (this.#mode !== 'waiting') return
        this.#mode = 'done'
        this.#hand.click(2, f)
      })
      return
    }
    if (this.#mode === 'drag') this.#hand.lift(f)
    this.#mode = this.#fingers.size === 2 ? 'scroll' : 'done'
  }

  move(f: Finger): void {
    const before = this.#fingers.get(f.id)
    if (!before) return
    this.#fingers.set(f.id, f)
    const start = this.#start
    switch (this.#mode) {
      case 'waiting':
        if (!start || Math.hypot(f.x - start.x, f.y - start.y) <= STRAY) return
        this.#cancel()
        this.#mode = 'drag'
        this.#hand.press(start)
        this.#hand.drag(f)
        return
      case 'drag':
        return this.#hand.drag(f)
      case 'scroll': // each of two fingers moves the middle by half of its way
        return this.#hand.turn(
          { deltaX: (before.x - f.x) / 2, deltaY: (before.y - f.y) / 2, deltaMode: 0, shiftKey: false },
          f,
        )
      case 'none':
      case 'done':
        return
      default:
        this.#mode satisfies never
    }
  }

  up(f: Finger): void {
    if (!this.#fingers.delete(f.id)) return
    this.#cancel()
    if (this.#mode === 'waiting') this.#hand.click(0, this.#start ?? f)
    if (this.#mode === 'drag') this.#hand.lift(f)
    this.#mode = this.#fingers.size === 0 ? 'none' : 'done'
  }

  /** The fingers are somebody else's from now on. */
  cancel(f: Finger): void {
    if (this.#mode === 'waiting') this.#mode = 'done'
    this.up(f)
  }
}
