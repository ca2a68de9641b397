import type { Clock } from '../core/clock.js'
import { LONG_PRESS, STRAY } from './pointer.js'
import type { Turn } from './wheel.js'

/** A finger, in CSS pixels from the corner of the screen's box, wherever the box is scrolled to. */
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
  /** Fingers have spread by so many times, around a place that they have moved as well. */
  pinch(times: number, at: { x: number; y: number }, by: { x: number; y: number }): void
}

/** How far two fingers are apart, and what is between them. */
interface Grip {
  span: number
  x: number
  y: number
}

/** How much further apart fingers come before that is meant, in CSS pixels. */
const SPREAD = 20

/**
 * Touch turns fingers into what a mouse does: a tap clicks, a long press is the right button, a finger that moves drags with the left
 * one, two fingers turn the wheels, or make the picture larger and smaller.
 */
export class Touch {
  readonly #hand: Hand
  readonly #clock: Pick<Clock, 'after'>
  readonly #fingers = new Map<number, Finger>()
  #start: Finger | undefined
  #grip: Grip = { span: 0, x: 0, y: 0 } // of two fingers, when something was last made of them
  #mode: 'none' | 'waiting' | 'drag' | 'two' | 'scroll' | 'pinch' | 'done' = 'none'
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
    this.#mode = this.#fingers.size === 2 ? 'two' : 'done'
    this.#grip = this.#gripped()
  }

  move(f: Finger): void {
    if (!this.#fingers.has(f.id)) return
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
      case 'two': {
        const [was, is] = [this.#grip, this.#gripped()]
        const spread = Math.abs(is.span - was.span)
        const way = Math.hypot(is.x - was.x, is.y - was.y)
        if (spread > SPREAD && spread > way) this.#mode = 'pinch'
        else if (way > STRAY) this.#mode = 'scroll'
        else return
        return this.move(f)
      }
      case 'scroll': {
        const [was, is] = [this.#grip, this.#gripped()]
        this.#grip = is
        return this.#hand.turn({ deltaX: was.x - is.x, deltaY: was.y - is.y, deltaMode: 0, shiftKey: false }, f)
      }
      case 'pinch': {
        const [was, is] = [this.#grip, this.#gripped()]
        this.#grip = is
        return this.#hand.pinch(is.span / was.span, was, { x: is.x - was.x, y: is.y - was.y })
      }
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

  #gripped(): Grip {
    const [a, b] = [...this.#fingers.values()]
    if (!a || !b) return this.#grip
    return { span: Math.max(1, Math.hypot(a.x - b.x, a.y - b.y)), x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 }
  }

  /** The fingers are somebody else's from now on. */
  cancel(f: Finger): void {
    if (this.#mode === 'waiting') this.#mode = 'done'
    this.up(f)
  }
}
