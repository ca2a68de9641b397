import { type Place, wheelEvent } from './events.js'

/** What of a WheelEvent counts. */
export interface Turn {
  deltaX: number
  deltaY: number
  deltaMode: number
  shiftKey: boolean
}

const NOTCH = 120
/** What a notch is in pixels, lines and pages (WheelEvent.deltaMode 0, 1, 2). */
const PER_NOTCH = [100, 3, 1]
const MOST = 32_000

/** Wheel gathers turns into whole notches: targets take a part of one for a whole one, or for none. */
export class Wheel {
  #x = 0
  #y = 0

  turn(t: Turn, at: Place): Uint8Array[] {
    const per = PER_NOTCH[t.deltaMode] ?? 100
    const [dx, dy] = t.shiftKey && t.deltaX === 0 ? [t.deltaY, 0] : [t.deltaX, t.deltaY]
    this.#x = gather(this.#x, dx / per)
    this.#y = gather(this.#y, -dy / per) // the target's is positive away from the user
    const events: Uint8Array[] = []
    const whole = (v: number): number => Math.max(-MOST, Math.min(MOST, Math.trunc(v) * NOTCH))
    if (Math.trunc(this.#y) !== 0) events.push(wheelEvent(false, whole(this.#y), at))
    if (Math.trunc(this.#x) !== 0) events.push(wheelEvent(true, whole(this.#x), at))
    this.#x -= Math.trunc(this.#x)
    this.#y -= Math.trunc(this.#y)
    return events
  }
}

/** A turn the other way forgets what was left over of the one before. */
function gather(rest: number, turn: number): number {
  if (!Number.isFinite(turn)) return rest
  return Math.sign(rest) * Math.sign(turn) < 0 ? turn : rest + turn
}
