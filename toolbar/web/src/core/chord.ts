// The chord that opens the toolbar (T1): left Ctrl, left Alt and Shift, pressed in any order with no other key between,
// acting when the first of them is released. Right Alt is never a part of it: AltGr+Shift types characters on many
// keyboards, and Windows reports AltGr as left Ctrl with right Alt.

/** What is read of a keyboard event. */
export interface KeyLike {
  code: string
  repeat?: boolean
}

const parts: Readonly<Record<string, string>> = {
  ControlLeft: 'ctrl',
  AltLeft: 'alt',
  ShiftLeft: 'shift',
  ShiftRight: 'shift',
}

/** Chord recognises the chord in a stream of key events. It swallows nothing: the target gets every key-up. */
export class Chord {
  readonly #down = new Set<string>()
  #spoiled = false

  /** A key went down. True: it went down on top of the chord, with no other. */
  down(e: KeyLike): boolean {
    const on = !parts[e.code] && !this.#down.has(e.code) && this.#held([...this.#down])
    if (!parts[e.code]) this.#spoiled = true
    this.#down.add(e.code)
    return on
  }

  /** A key went up. True: the chord is complete. */
  up(e: KeyLike): boolean {
    const complete = !this.#spoiled && this.#held([...this.#down])
    this.#down.delete(e.code)
    if (complete) this.#spoiled = true // once per pressing
    if (this.#down.size === 0) this.#spoiled = false
    return complete
  }

  #held(codes: string[]): boolean {
    const held = new Set(codes.map((code) => parts[code] ?? code))
    return held.size === 3 && held.has('ctrl') && held.has('alt') && held.has('shift')
  }

  /** Key-ups may be missed from here: the focus went, or the window did. */
  reset(): void {
    this.#down.clear()
    this.#spoiled = false
  }
}
