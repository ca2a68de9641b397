// Where pictures are drawn, and the limits that every size meets before memory is taken (S22).

/** Limits of a desktop and of every picture on it: those of the gateway. */
export const MAX_SIDE = 8192
export const MAX_PIXELS = 33 << 20

/** A rectangle of pixels to draw into. A pixel is R, G, B, A in memory: one number of 32 bits, little-endian, A highest. */
export interface Target {
  pix: Uint32Array
  /** Where the top left pixel is. */
  at: number
  /** From one row to the next, in pixels. */
  stride: number
  w: number
  h: number
}

/** The alpha of an opaque pixel. */
export const OPAQUE = 0xff000000

/** Why a size is beyond the limits; empty if it is not. */
export function sizeFault(w: number, h: number): string {
  if (w >= 1 && h >= 1 && w <= MAX_SIDE && h <= MAX_SIDE && w * h <= MAX_PIXELS) return ''
  return `picture of ${w}x${h}, at most ${MAX_SIDE} a side and ${MAX_PIXELS} pixels`
}

/** Why a target cannot be drawn into; empty if it can. */
export function targetFault(t: Target): string {
  const fault = sizeFault(t.w, t.h)
  if (fault) return fault
  if (t.at >= 0 && t.stride >= t.w && t.at + (t.h - 1) * t.stride + t.w <= t.pix.length) return ''
  return `target of ${t.pix.length} pixels with stride ${t.stride} is too small for ${t.w}x${t.h} at ${t.at}`
}

/** More than this is given back after use, in bytes: one large picture must not hold its memory for ever. */
const KEPT = 48 << 20

/** Memory that is used again from picture to picture. What is in it is undefined. */
export class Scratch {
  #buffer = new ArrayBuffer(0)

  #take(bytes: number): ArrayBuffer {
    if (this.#buffer.byteLength >= bytes && this.#buffer.byteLength <= KEPT) return this.#buffer
    const made = new ArrayBuffer(bytes)
    if (bytes <= KEPT) this.#buffer = made
    return made
  }

  u8(n: number): Uint8Array {
    return new Uint8Array(this.#take(n), 0, n)
  }

  u16(n: number): Uint16Array {
    return new Uint16Array(this.#take(2 * n), 0, n)
  }

  u32(n: number): Uint32Array {
    return new Uint32Array(this.#take(4 * n), 0, n)
  }
}
