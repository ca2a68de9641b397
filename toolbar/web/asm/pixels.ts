import { SPARE } from './layout'

// Pixels: R, G, B, A in memory.

export const OPAQUE: u32 = 0xff000000

/** Writes eight pixels from 16 bits of each channel, cut to bytes. */
// @ts-ignore: decorator
@inline
export function storePixels(o: usize, r: v128, g: v128, b: v128): void {
  const rg = i8x16.narrow_i16x8_u(r, g)
  const ba = i8x16.narrow_i16x8_u(b, i16x8.splat(255))
  const x = i8x16.shuffle(rg, rg, 0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15)
  const y = i8x16.shuffle(ba, ba, 0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15)
  v128.store(o, i16x8.shuffle(x, y, 0, 8, 1, 9, 2, 10, 3, 11))
  v128.store(o + 16, i16x8.shuffle(x, y, 4, 12, 5, 13, 6, 14, 7, 15))
}

/** Where the next eight pixels of a row are to be written: elsewhere, if there are fewer. */
// @ts-ignore: decorator
@inline
export function place(o: usize, left: i32): usize {
  return left < 8 ? SPARE : o
}

/** Moves what stands elsewhere to its place. */
// @ts-ignore: decorator
@inline
export function settle(o: usize, left: i32): void {
  if (left < 8) memory.copy(o, SPARE, left << 2)
}
