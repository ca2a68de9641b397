import { drawPlanes } from './nscodec'
import { OPAQUE } from './pixels'

// RDP 6.0 planar ([MS-RDPEGDI] 3.1.9), as src/screen/core/planar.ts has it.
const LOSS: i32 = 0x07
const SUBSAMPLE: i32 = 0x08
const RLE: i32 = 0x10
const NO_ALPHA: i32 = 0x20

let p: usize = 0 // where the next plane begins
let end: usize = 0

/**
 * Draws a picture from src, which is not empty, up to stop; scratch has three bytes for each pixel and some more. False if it cannot; nothing
 * is drawn then.
 */
export function planar(src: usize, stop: usize, scratch: usize, to: usize, stride: usize, w: i32, h: i32): bool {
  const head = <i32>load<u8>(src)
  const loss = head & LOSS
  const sub = (head & SUBSAMPLE) != 0
  if (sub && loss == 0) return false
  const cw = sub ? (w + 1) >> 1 : w
  const ch = sub ? (h + 1) >> 1 : h
  const rle = (head & RLE) != 0
  const second = scratch + w * h
  const third = second + cw * ch
  p = src + 1
  end = stop
  if ((head & NO_ALPHA) == 0 && !take(rle, scratch, w, h)) return false // the next one overwrites it
  if (!take(rle, scratch, w, h) || !take(rle, second, cw, ch) || !take(rle, third, cw, ch)) return false
  if (loss > 0) drawPlanes(to, stride, w, h, scratch, second, third, w, cw, loss, sub ? 1 : 0, true)
  else merge(to, stride, w, h, scratch, second, third)
  return true
}

function take(rle: bool, plane: usize, w: i32, h: i32): bool {
  if (rle) return unpack(plane, w, h)
  if (<i32>(end - p) < w * h) return false
  memory.copy(plane, p, w * h)
  p += w * h
  return true
}

/** Differences in sign-and-magnitude with the sign lowest, as bytes. */
// @ts-ignore: decorator
@inline
function differences(v: v128): v128 {
  return v128.xor(i8x16.shr_u(v, 1), i8x16.neg(v128.and(v, i8x16.splat(1))))
}

/**
 * Undoes the RLE of one plane (3.1.9.2). Sixteen bytes are written at a time; what is too much is written again by what follows, or lies beyond
 * the last plane.
 */
function unpack(plane: usize, w: i32, h: i32): bool {
  let at = p
  const stop = end
  let o = plane
  for (let y: i32 = 0; y < h; y++) {
    let last: u8 = 0
    for (const rowEnd = o + w; o < rowEnd; ) {
      if (at >= stop) return false
      const control = <i32>load<u8>(at++)
      let run = control & 0x0f
      let raw = control >> 4
      if (run == 1 || run == 2) {
        run = raw + (run << 4)
        raw = 0
      }
      if (raw + run > <i32>(rowEnd - o) || raw > <i32>(stop - at)) return false
      if (raw > 0) {
        const v = v128.load(at)
        at += raw
        last = load<u8>(at - 1)
        if (y == 0) v128.store(o, v)
        else {
          v128.store(o, i8x16.add(v128.load(o - w), differences(v)))
          last = (last >> 1) ^ -(last & 1)
        }
        o += raw
      }
      if (run > 0) {
        const v = i8x16.splat(last)
        for (let i: i32 = 0; i < run; i += 16) {
          v128.store(o + i, y == 0 ? v : i8x16.add(v128.load(o + i - w), v))
        }
        o += run
      }
    }
  }
  p = at
  return true
}

/** Puts planes of red, green and blue together; the last row of the planes comes first. */
function merge(to: usize, stride: usize, w: i32, h: i32, r: usize, g: usize, b: usize): void {
  const opaque = i8x16.splat(-1)
  for (let y: i32 = h - 1; y >= 0; y--) {
    let o = to + <usize>y * stride
    let x: i32 = 0
    for (; x + 16 <= w; x += 16, o += 64) {
      const rs = v128.load(r + x)
      const gs = v128.load(g + x)
      const bs = v128.load(b + x)
      const rg0 = i8x16.shuffle(rs, gs, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
      const rg1 = i8x16.shuffle(rs, gs, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
      const ba0 = i8x16.shuffle(bs, opaque, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
      const ba1 = i8x16.shuffle(bs, opaque, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
      v128.store(o, i16x8.shuffle(rg0, ba0, 0, 8, 1, 9, 2, 10, 3, 11))
      v128.store(o + 16, i16x8.shuffle(rg0, ba0, 4, 12, 5, 13, 6, 14, 7, 15))
      v128.store(o + 32, i16x8.shuffle(rg1, ba1, 0, 8, 1, 9, 2, 10, 3, 11))
      v128.store(o + 48, i16x8.shuffle(rg1, ba1, 4, 12, 5, 13, 6, 14, 7, 15))
    }
    for (; x < w; x++, o += 4) {
      store<u32>(o, OPAQUE | (<u32>load<u8>(b + x) << 16) | (<u32>load<u8>(g + x) << 8) | <u32>load<u8>(r + x))
    }
    r += w
    g += w
    b += w
  }
}
