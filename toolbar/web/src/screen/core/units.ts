import { TILE, type Tile } from './rfxtile.js'

// Payloads of a desktop (pam/PROTOCOL.md): a sequence of units, each u8 kind, u32 length of the body, body. Numbers are big endian.

/** A sequence that cannot be taken apart: it ends the view. */
export class UnitError extends Error {
  override name = 'UnitError'
}

/** A rectangle in pixels of the desktop. */
export interface Rect {
  x: number
  y: number
  w: number
  h: number
}

/** A unit. Its bytes are views of the payload. */
export type Unit =
  | { kind: 'desktop'; width: number; height: number }
  /** rect is what the picture of width times height covers; what is beyond it is padding. */
  | { kind: 'tile'; codec: number; rect: Rect; width: number; height: number; picture: Uint8Array }
  /** clips are in the tile's own pixels; none means all of it. */
  | { kind: 'remotefx'; x: number; y: number; clips: Rect[]; tile: Tile }
  | { kind: 'present' }

const HEADER = 1 + 4
const DESKTOP = 1
const PICTURE = 2
const REMOTEFX = 3
const PRESENT = 4
const PICTURE_HEADER = 1 + 4 * 2 + 2 * 2
const QUANTS = 15

/** Takes a payload apart, unit by unit. Throws UnitError where it is no sequence of units. */
export class Units {
  readonly #b: Uint8Array
  #at = 0

  constructor(payload: Uint8Array) {
    this.#b = payload
  }

  /** The next unit; undefined at the end. */
  next(): Unit | undefined {
    const left = this.#b.length - this.#at
    if (left === 0) return undefined
    if (left < HEADER) throw new UnitError(`unit of ${left} bytes`)
    const kind = this.#b[this.#at] as number
    const size = this.#u16(1) * 0x10000 + this.#u16(3)
    if (size > left - HEADER) throw new UnitError(`unit ${kind}: body of ${size} bytes, ${left - HEADER} there`)
    this.#at += HEADER
    const unit = this.#body(kind, size)
    this.#at += size
    return unit
  }

  #u8(at: number): number {
    return this.#b[this.#at + at] as number
  }

  #u16(at: number): number {
    return (this.#u8(at) << 8) | this.#u8(at + 1)
  }

  #bytes(from: number, to: number): Uint8Array {
    return this.#b.subarray(this.#at + from, this.#at + to)
  }

  #body(kind: number, size: number): Unit {
    switch (kind) {
      case DESKTOP:
        if (size !== 4) throw new UnitError(`desktop of ${size} bytes`)
        return { kind: 'desktop', width: this.#u16(0), height: this.#u16(2) }
      case PICTURE: {
        if (size < PICTURE_HEADER) throw new UnitError(`tile of ${size} bytes`)
        const width = this.#u16(9)
        const height = this.#u16(11)
        return {
          kind: 'tile',
          codec: this.#u8(0),
          rect: {
            x: this.#u16(1),
            y: this.#u16(3),
            w: Math.min(this.#u16(5), width),
            h: Math.min(this.#u16(7), height),
          },
          width,
          height,
          picture: this.#bytes(PICTURE_HEADER, size),
        }
      }
      case REMOTEFX:
        return this.#remoteFX(size)
      case PRESENT:
        if (size !== 0) throw new UnitError(`present of ${size} bytes`)
        return { kind: 'present' }
      default:
        throw new UnitError(`unit ${kind} is unknown`)
    }
  }

  #remoteFX(size: number): Unit {
    let at = 1 + 2 * 2 + 1
    if (size < at) throw new UnitError(`RemoteFX tile of ${size} bytes`)
    const n = this.#u8(5)
    if (size < at + 4 * n + QUANTS + 2 * 2) throw new UnitError(`RemoteFX tile of ${size} bytes with ${n} clips`)
    const clips: Rect[] = []
    for (let i = 0; i < n; i++, at += 4) {
      const x = Math.min(this.#u8(at), TILE)
      const y = Math.min(this.#u8(at + 1), TILE)
      clips.push({ x, y, w: Math.min(this.#u8(at + 2), TILE - x), h: Math.min(this.#u8(at + 3), TILE - y) })
    }
    const quants = this.#bytes(at, at + QUANTS)
    at += QUANTS
    const luma = this.#u16(at)
    const cb = this.#u16(at + 2)
    at += 4
    const cr = size - at - luma - cb
    if (cr < 0) throw new UnitError(`RemoteFX tile of ${size} bytes, ${luma} of Y, ${cb} of Cb`)
    return {
      kind: 'remotefx',
      x: this.#u16(1),
      y: this.#u16(3),
      clips,
      tile: { entropy: this.#u8(0), quants, data: this.#bytes(at, size), counts: [luma, cb, cr] },
    }
  }
}

/** How many of a payload's units are presents, as far as it can be taken apart. */
export function countPresents(payload: Uint8Array): number {
  let n = 0
  for (let at = 0; payload.length - at >= HEADER; ) {
    if (payload[at] === PRESENT) n++
    const [a, b, c, d] = [payload[at + 1], payload[at + 2], payload[at + 3], payload[at + 4]] as [
      number,
      number,
      number,
      number,
    ]
    at += HEADER + a * 0x1000000 + (b << 16) + (c << 8) + d
  }
  return n
}
