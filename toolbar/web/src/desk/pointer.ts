import { buttonEvent, moveEvent, type Place } from './events.js'

/** Button of a PointerEvent to that of a desktop. */
const BUTTONS: Readonly<Record<number, number>> = { 0: 1, 1: 3, 2: 2, 3: 4, 4: 5 }

/** How long a finger must stay for the right button, in milliseconds, and how far it may stray, in CSS pixels. */
export const LONG_PRESS = 500
export const STRAY = 10

/** Pointer turns a mouse into events. Moves wait for the next picture; none is lost before a button. */
export class Pointer {
  readonly #send: (events: Uint8Array) => void
  readonly #down = new Set<number>()
  #move: Place | undefined

  constructor(send: (events: Uint8Array) => void) {
    this.#send = send
  }

  /** The mouse is somewhere else. It reports whether flush is to be called before long. */
  move(at: Place): boolean {
    const first = this.#move === undefined
    this.#move = at
    return first
  }

  flush(): void {
    if (this.#move) this.#send(moveEvent(this.#move))
    this.#move = undefined
  }

  button(button: number, down: boolean, at: Place): void {
    const b = BUTTONS[button]
    if (b === undefined || (!down && !this.#down.has(b))) return
    this.#move = at
    this.flush()
    if (down) this.#down.add(b)
    else this.#down.delete(b)
    this.#send(buttonEvent(b, down, at))
  }

  /** Presses and releases. */
  click(button: number, at: Place): void {
    this.button(button, true, at)
    this.button(button, false, at)
  }

  /** Lifts all buttons. */
  release(at: Place): void {
    for (const b of this.#down) this.#send(buttonEvent(b, false, at))
    this.#down.clear()
    this.#move = undefined
  }
}
