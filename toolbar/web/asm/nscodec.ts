import { place, settle, storePixels } from './pixels'

// NSCodec ([MS-RDPNSC] 3.1.8), as src/screen/core/nscodec.ts has it, which has read and checked the header.

const TAIL: i32 = 4

/** Undoes the run-length coding of a plane of size bytes, which stands coded from `from`, n bytes. */
export function unpackPlane(plane: usize, size: i32, from: usize, n: i32): bool {
  if (n == 0) {
    memory.fill(plane, 255, size)
    return true
  }
  if (n >= size) {
    memory.copy(plane, from, size)
    return true
  }
  let p = from
  const end = from + n
  const stop = plane + size
  let o = plane
  while (<i32>(stop - o) > TAIL) {
    if (p >= end) return false
    const v = load<u8>(p++)
    let run: u32 = 1
    if (<i32>(stop - o) > TAIL + 1 && p < end && load<u8>(p) == v) {
      if (end - p < 2) return false
      const short = <u32>load<u8>(p + 1)
      if (short < 0xff) {
        run = short + 2
        p += 2
      } else {
        if (end - p < 6) return false
        run = load<u32>(p + 2)
        p += 6
      }
      if (run > <u32>(stop - o - TAIL)) return false
      if (run > 16) memory.fill(o, v, run)
      else for (let i: u32 = 0; i < run; i++) store<u8>(o + i, v)
      o += run
    } else store<u8>(o++, v)
  }
  if (end - p < stop - o) return false
  memory.copy(o, p, stop - o)
  return true
}

/**
 * Puts planes together: luma at p, chroma at q and s, rows of lumaWidth and chromaWidth bytes; their last row comes first. swap: red and blue
 * change places.
 */
export function drawPlanes(
  to: usize,
  stride: usize,
  width: i32,
  height: i32,
  p: usize,
  q: usize,
  s: usize,
  lumaWidth: i32,
  chromaWidth: i32,
  loss: i32,
  sub: i32,
  swap: bool,
): void {
  const shift = 8 + loss - 1
  for (let y: i32 = 0; y < height; y++) {
    const row = p + y * lumaWidth
    const chroma: usize = (y >> sub) * chromaWidth
    let o = to + <usize>(height - 1 - y) * stride
    for (let x: i32 = 0; x < width; x += 8, o += 32) {
      const v = v128.load8x8_u(row + x)
      const co = i16x8.shr_s(i16x8.shl(chromaOf(q + chroma + (x >> sub), sub), shift), 8)
      const cg = i16x8.shr_s(i16x8.shl(chromaOf(s + chroma + (x >> sub), sub), shift), 8)
      const rest = i16x8.sub(v, cg)
      const plus = i16x8.add(rest, co)
      const minus = i16x8.sub(rest, co)
      const at = place(o, width - x)
      if (swap) storePixels(at, minus, i16x8.add(v, cg), plus)
      else storePixels(at, plus, i16x8.add(v, cg), minus)
      settle(o, width - x)
    }
  }
}

/** Eight chroma values, or four for two pixels each. */
// @ts-ignore: decorator
@inline
function chromaOf(p: usize, sub: i32): v128 {
  const c = v128.load8x8_u(p)
  return sub ? i16x8.shuffle(c, c, 0, 0, 1, 1, 2, 2, 3, 3) : c
}
