/** A present that another follows within this time is not shown, and presents that come within it are one frame, in milliseconds. */
const FRAME = 16

/**
 * Frames decides which presents are shown, and counts. Where a target draws a screen in hundreds of parts, each of which presents itself, no
 * screen could show them one by one: what comes within a frame's time is one frame. One is dropped if nothing of it was shown before the next
 * was decoded, which is so where decoding is behind.
 */
export class Frames {
  shown = 0
  dropped = 0
  #waiting = 0 // presents that have come and had no turn
  #begun = Number.NEGATIVE_INFINITY // when the youngest frame began to come
  #last = Number.NEGATIVE_INFINITY // when something was shown
  #seen = true // something of the frame whose turn it is was shown

  /** A payload with so many presents has come; true if it begins a frame. */
  came(presents: number, now: number): boolean {
    this.#waiting += presents
    if (presents === 0 || now - this.#begun < FRAME) return false
    this.#begun = now
    return true
  }

  /** It is the turn of a payload that begins a frame. */
  next(): void {
    if (!this.#seen) this.dropped++
    this.#seen = false
  }

  /** It is a present's turn; false if its pixels are to be shown with those of a later one. */
  due(now: number): boolean {
    this.#waiting--
    return this.#waiting <= 0 || now - this.#last >= FRAME
  }

  /** A present was shown. */
  done(now: number): void {
    this.shown++
    this.#last = now
    this.#seen = true
  }
}
