import { OPAQUE, place, settle, storePixels } from './pixels'

// Interleaved RLE ([MS-RDPBCGR] 2.2.9.1.1.3.1.2.4), as src/screen/core/interleaved.ts has it: values of 16 bits as they stand on the wire, those of
// 24 bits as pixels.

const BACKGROUND_RUN: i32 = 0
const FOREGROUND_RUN: i32 = 1
const FOREGROUND_IMAGE: i32 = 2
const COLOR_RUN: i32 = 3
const COLOR_IMAGE: i32 = 4
const SET_FOREGROUND_RUN: i32 = 5
const SET_FOREGROUND_IMAGE: i32 = 6
const DITHERED_RUN: i32 = 7
const WHITE: i32 = 8
const BLACK: i32 = 9
const BAD: i32 = 10

/** Draws a picture of 15, 16 or 24 bits from src up to end; scratch has four bytes for each pixel. False if it cannot; nothing is drawn then. */
export function interleaved(depth: i32, src: usize, end: usize, scratch: usize, to: usize, stride: usize, w: i32, h: i32): bool {
  if (depth == 24) {
    if (!unpack<u32>(scratch, w * h, w, src, end, 0x00ffffff, OPAQUE)) return false
    const row: usize = w << 2
    for (let y: i32 = h - 1; y >= 0; y--, scratch += row) memory.copy(to + <usize>y * stride, scratch, row)
    return true
  }
  if (!unpack<u16>(scratch, w * h, w, src, end, depth == 15 ? 0x7fff : 0xffff, 0)) return false
  for (let y: i32 = h - 1; y >= 0; y--) {
    let o = to + <usize>y * stride
    for (let left = w; left > 0; left -= 8, o += 32) {
      pixels16(place(o, left), v128.load(scratch), depth)
      settle(o, left)
      scratch += min(left, 8) << 1
    }
  }
  return true
}

/** Eight values as pixels. Five and six bits become eight by repeating upper ones; of six too much is cut. */
// @ts-ignore: decorator
@inline
export function pixels16(o: usize, v: v128, depth: i32): void {
  const five = i16x8.splat(31)
  const b = v128.and(v, five)
  let g: v128
  let r: v128
  if (depth == 15) {
    g = v128.and(i16x8.shr_u(v, 5), five)
    g = v128.or(i16x8.shl(g, 3), i16x8.shr_u(g, 2))
    r = v128.and(i16x8.shr_u(v, 10), five)
  } else {
    g = v128.and(i16x8.shr_u(v, 5), i16x8.splat(63))
    g = i16x8.add(i16x8.shl(g, 2), i16x8.shr_u(g, 3))
    r = i16x8.shr_u(v, 11)
  }
  storePixels(o, v128.or(i16x8.shl(r, 3), i16x8.shr_u(r, 2)), g, v128.or(i16x8.shl(b, 3), i16x8.shr_u(b, 2)))
}

// @ts-ignore: decorator
@inline
function lanes<T>(v: T): v128 {
  return sizeof<T>() == 2 ? i16x8.splat(<i16>v) : i32x4.splat(<i32>v)
}

/** Writes n values. */
// @ts-ignore: decorator
@inline
function fill<T>(o: usize, n: i32, v: T): void {
  const stop = o + n * sizeof<T>()
  const all = lanes<T>(v)
  for (; o + 16 <= stop; o += 16) v128.store(o, all)
  for (; o < stop; o += sizeof<T>()) store<T>(o, v)
}

/** A value of the wire: of 16 bits, or B, G, R as a pixel without its alpha. */
// @ts-ignore: decorator
@inline
function value<T>(p: usize): T {
  if (sizeof<T>() == 2) return <T>load<u16>(p)
  return <T>((<u32>load<u8>(p) << 16) | (<u32>load<u8>(p + 1) << 8) | <u32>load<u8>(p + 2))
}

function unpack<T>(out: usize, total: i32, width: i32, src: usize, stop: usize, white: T, black: T): bool {
  const size: i32 = sizeof<T>() == 2 ? 2 : 3
  const line: usize = width * sizeof<T>()
  const perVector: i32 = 16 / sizeof<T>()
  const end = out + total * sizeof<T>()
  const below = out + line // where the second row begins
  let o = out
  let p = src
  let fg = white
  let first = true
  let insert = false
  while (o < end) {
    if (first && o >= below) {
      first = false
      insert = false
    }
    if (p >= stop) return false
    const head = <i32>load<u8>(p++)
    let order: i32 = BAD
    let n: i32 = 8
    let mask: i32 = 0
    if (head >= 0xf0) {
      if (head <= 0xf4) order = head - 0xf0
      else if (head >= 0xf6 && head <= 0xf8) order = SET_FOREGROUND_RUN + head - 0xf6
      else if (head == 0xf9 || head == 0xfa) {
        order = FOREGROUND_IMAGE
        mask = head == 0xf9 ? 0x03 : 0x05
      } else if (head == 0xfd) order = WHITE
      else if (head == 0xfe) order = BLACK
      if (head <= 0xf8 && order != BAD) {
        if (stop - p < 2) return false
        n = <i32>load<u16>(p)
        p += 2
      }
    } else {
      let base: i32 = 32
      if (head >= 0xc0) {
        order = SET_FOREGROUND_RUN + (head >> 4) - 0xc
        n = head & 0x0f
        base = 16
      } else {
        order = head >> 5
        n = head & 0x1f
        if (order > COLOR_IMAGE) order = BAD
      }
      const bits = order == FOREGROUND_IMAGE || order == SET_FOREGROUND_IMAGE
      if (n == 0 && order != BAD) {
        if (p >= stop) return false
        n = <i32>load<u8>(p++) + (bits ? 1 : base)
      } else if (bits) n <<= 3
    }
    const left = <i32>((end - o) / sizeof<T>())

    switch (order) {
      case BACKGROUND_RUN:
      case FOREGROUND_RUN:
      case SET_FOREGROUND_RUN: {
        if (order == SET_FOREGROUND_RUN) {
          if (<i32>(stop - p) < size) return false
          fg = value<T>(p)
          p += size
        }
        if (n > left) return false
        if (order == BACKGROUND_RUN && insert && n > 0) {
          store<T>(o, (first ? black : load<T>(o - line)) ^ fg)
          o += sizeof<T>()
          n--
        }
        const change: T = order == BACKGROUND_RUN ? 0 : fg
        const last = o + n * sizeof<T>()
        if (first) fill<T>(o, n, black | change)
        else {
          if (width >= perVector) {
            const all = lanes<T>(change)
            for (; o + 16 <= last; o += 16) v128.store(o, v128.xor(v128.load(o - line), all))
          }
          for (; o < last; o += sizeof<T>()) store<T>(o, load<T>(o - line) ^ change)
        }
        o = last
        insert = order == BACKGROUND_RUN
        continue
      }
      case DITHERED_RUN: {
        if (<i32>(stop - p) < 2 * size || 2 * n > left) return false
        const a = value<T>(p) | black
        const b = value<T>(p + size) | black
        p += 2 * size
        for (; n > 0; n--) {
          store<T>(o, a)
          store<T>(o + sizeof<T>(), b)
          o += 2 * sizeof<T>()
        }
        break
      }
      case COLOR_RUN:
        if (<i32>(stop - p) < size || n > left) return false
        fill<T>(o, n, value<T>(p) | black)
        p += size
        o += n * sizeof<T>()
        break
      case FOREGROUND_IMAGE:
      case SET_FOREGROUND_IMAGE:
        if (order == SET_FOREGROUND_IMAGE) {
          if (<i32>(stop - p) < size) return false
          fg = value<T>(p)
          p += size
        }
        if (n > left) return false
        while (n > 0) {
          let bits = mask
          if (bits == 0) {
            if (p >= stop) return false
            bits = <i32>load<u8>(p++)
          }
          if (n >= 8 && width >= 8) {
            mix8<T>(o, line, first, bits, fg, black)
            o += 8 * sizeof<T>()
          } else {
            const last = o + min(n, 8) * sizeof<T>()
            for (; o < last; o += sizeof<T>(), bits >>= 1) {
              store<T>(o, (first ? black : load<T>(o - line)) ^ (fg & <T>-(bits & 1)))
            }
          }
          n -= 8
        }
        break
      case COLOR_IMAGE:
        if (n * size > <i32>(stop - p) || n > left) return false
        if (sizeof<T>() == 2) {
          memory.copy(o, p, n << 1)
          p += n << 1
          o += n << 1
        } else {
          for (const last = o + (n << 2); o < last; o += 4, p += 3) store<T>(o, value<T>(p) | black)
        }
        break
      case WHITE:
        store<T>(o, white | black)
        o += sizeof<T>()
        break
      case BLACK:
        store<T>(o, black)
        o += sizeof<T>()
        break
      default:
        return false
    }
    insert = false
  }
  return true
}

/** Writes eight values of the row above, changed by fg where a bit says so. */
// @ts-ignore: decorator
@inline
function mix8<T>(o: usize, line: usize, first: bool, bits: i32, fg: T, black: T): void {
  const change = lanes<T>(fg)
  const none = lanes<T>(black)
  if (sizeof<T>() == 2) {
    const each = i16x8(1, 2, 4, 8, 16, 32, 64, 128)
    const set = i16x8.eq(v128.and(i16x8.splat(<i16>bits), each), each)
    v128.store(o, v128.xor(first ? none : v128.load(o - line), v128.and(set, change)))
    return
  }
  const low = i32x4(1, 2, 4, 8)
  const high = i32x4(16, 32, 64, 128)
  const all = i32x4.splat(bits)
  const above0 = first ? none : v128.load(o - line)
  const above1 = first ? none : v128.load(o - line + 16)
  v128.store(o, v128.xor(above0, v128.and(i32x4.eq(v128.and(all, low), low), change)))
  v128.store(o + 16, v128.xor(above1, v128.and(i32x4.eq(v128.and(all, high), high), change)))
}
