import { OPAQUE } from './target.js'

// Pixel values of the wire as pixels. Five and six bits become eight by repeating upper ones, as the gateway does it.

/** How a pixel stands on the wire, in bits. */
export type Depth = 15 | 16 | 24 | 32

/** How many bytes a pixel has. */
export const bytesOf = (depth: Depth): number => (depth + 7) >> 3

const five = (v: number): number => ((v & 0x1f) << 3) | ((v & 0x1f) >> 2)
const six = (v: number): number => Math.min(((v & 0x3f) << 2) + ((v & 0x3f) >> 3), 255)

function table(pixel: (v: number) => number): Uint32Array {
  const t = new Uint32Array(1 << 16)
  for (let v = 0; v < t.length; v++) t[v] = pixel(v) | OPAQUE
  return t
}

let of15: Uint32Array | undefined
let of16: Uint32Array | undefined

/** The pixels of all values at 15 or 16 bits. */
export function pixelTable(depth: 15 | 16): Uint32Array {
  if (depth === 15) {
    of15 ??= table((v) => five(v >> 10) | (five(v >> 5) << 8) | (five(v) << 16))
    return of15
  }
  of16 ??= table((v) => five(v >> 11) | (six(v >> 5) << 8) | (five(v) << 16))
  return of16
}

/** Cuts a value to a byte. */
export const clamp = (v: number): number => (v < 0 ? 0 : Math.min(v, 255))
