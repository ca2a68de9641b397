import { AREA, COEFFS, COMPONENT, QUANTS, WORK } from './layout'
import { storePixels } from './pixels'
import { decodeRLGR } from './rlgr'

const TILE: i32 = 64

/** Draws a tile whose components stand at src, one after the other. scratch has room for the largest of them. */
export function tile(
  mode: i32,
  src: usize,
  luma: i32,
  cb: i32,
  cr: i32,
  scratch: usize,
  to: usize,
  stride: usize,
): void {
  const second = src + luma
  const third = second + cb
  component(mode, src, second, COEFFS, QUANTS, scratch)
  component(mode, second, third, COEFFS + COMPONENT, QUANTS + 5, scratch)
  component(mode, third, third + cr, COEFFS + 2 * COMPONENT, QUANTS + 10, scratch)
  draw(to, stride)
}

function component(mode: i32, from: usize, end: usize, c: usize, quants: usize, scratch: usize): void {
  decodeRLGR(mode, from, end, c, scratch)
  const low = c + 4032 * 2
  let sum: i32 = load<i16>(low)
  for (let i: usize = 2; i < 128; i += 2) {
    sum += load<i16>(low + i) // LL3 holds differences (3.1.8.1.6)
    store<i16>(low + i, <i16>sum)
  }
  // The sub-bands in the order of the stream, each with where its shift stands.
  scale(c, 0, 1024, quants, 8)
  scale(c, 1024, 1024, quants, 7)
  scale(c, 2048, 1024, quants, 9)
  scale(c, 3072, 256, quants, 5)
  scale(c, 3328, 256, quants, 4)
  scale(c, 3584, 256, quants, 6)
  scale(c, 3840, 64, quants, 2)
  scale(c, 3904, 64, quants, 1)
  scale(c, 3968, 64, quants, 3)
  scale(c, 4032, 64, quants, 0)
  inverse(c + 3840 * 2, 8)
  inverse(c + 3072 * 2, 16)
  inverse(c, 32)
}

/** A quantiser of 6 is a factor of 1 (3.1.8.1.5); five fraction bits make it five more. */
function scale(c: usize, offset: i32, size: i32, quants: usize, at: i32): void {
  const shift = ((<i32>load<u8>(quants + (at >> 1)) >> (4 * (at & 1))) & 0x0f) - 1
  if (shift <= 0) return
  const end = c + ((offset + size) << 1)
  for (let p = c + (offset << 1); p < end; p += 16) v128.store(p, i16x8.shl(v128.load(p), shift))
}

/** Undoes one level of the 5/3 wavelet transform (3.1.8.1.4) in place: bands of side n, in the order HL, LH, HH, LL. */
function inverse(c: usize, n: i32): void {
  const row: usize = n << 1 // bytes of a band's row
  const area: usize = row * n
  const side: usize = row << 1 // bytes of a row of the result
  for (let y: i32 = 0; y < n; y++) {
    const at = <usize>y * row
    horizontal(WORK + <usize>y * side, c + 3 * area + at, c + at, n)
    horizontal(WORK + <usize>(n + y) * side, c + area + at, c + 2 * area + at, n)
  }
  const one = i16x8.splat(1)
  // Even rows of the picture, then the odd rows between them.
  for (let y: i32 = 0; y < n; y++) {
    const low = WORK + <usize>y * side
    const high = WORK + <usize>(n + y) * side
    const before = y > 0 ? high - side : high
    const to = c + 2 * <usize>y * side
    for (let x: usize = 0; x < side; x += 16) {
      const sum = i16x8.add(i16x8.add(v128.load(before + x), v128.load(high + x)), one)
      v128.store(to + x, i16x8.sub(v128.load(low + x), i16x8.shr_s(sum, 1)))
    }
  }
  for (let y: i32 = 0; y < n; y++) {
    const high = WORK + <usize>(n + y) * side
    const above = c + 2 * <usize>y * side
    const below = y < n - 1 ? above + 2 * side : above
    const to = above + side
    for (let x: usize = 0; x < side; x += 16) {
      const sum = i16x8.add(v128.load(above + x), v128.load(below + x))
      v128.store(to + x, i16x8.add(i16x8.shl(v128.load(high + x), 1), i16x8.shr_s(sum, 1)))
    }
  }
}

/** Puts one row together from its low and its high half, eight values of each at a time. */
function horizontal(to: usize, low: usize, high: usize, n: i32): void {
  const one = i16x8.splat(1)
  let h = v128.load(high)
  let before = i16x8.shuffle(h, h, 0, 0, 1, 2, 3, 4, 5, 6)
  let even = i16x8.sub(v128.load(low), i16x8.shr_s(i16x8.add(i16x8.add(before, h), one), 1))
  for (let i: i32 = 8; ; i += 8) {
    const last = i >= n
    let nextH = h
    let nextEven = even
    let middle: v128
    if (last) {
      const then = i16x8.shuffle(even, even, 1, 2, 3, 4, 5, 6, 7, 7)
      middle = i16x8.shr_s(i16x8.add(even, then), 1)
      middle = i16x8.replace_lane(middle, 7, i16x8.extract_lane_s(even, 7)) // not of a sum, which could wrap
    } else {
      const at: usize = i << 1
      nextH = v128.load(high + at)
      before = v128.load(high + at - 2)
      nextEven = i16x8.sub(v128.load(low + at), i16x8.shr_s(i16x8.add(i16x8.add(before, nextH), one), 1))
      const then = i16x8.shuffle(even, nextEven, 1, 2, 3, 4, 5, 6, 7, 8)
      middle = i16x8.shr_s(i16x8.add(even, then), 1)
    }
    const odd = i16x8.add(i16x8.shl(h, 1), middle)
    v128.store(to, i16x8.shuffle(even, odd, 0, 8, 1, 9, 2, 10, 3, 11))
    v128.store(to + 16, i16x8.shuffle(even, odd, 4, 12, 5, 13, 6, 14, 7, 15))
    if (last) return
    to += 32
    h = nextH
    even = nextEven
  }
}

// Factors of the colour conversion (3.1.8.1.3), fixed point numbers of 16 bits, less multiples of 2^11 that are added apart: so that they fit
// 16 bits and their products 32.
const SHIFT: i32 = 16 + 5 - 10
const CR_R: i32 = 91916 - (32 << SHIFT)
const CR_G: i32 = 46819 - (16 << SHIFT)
const CB_G: i32 = 22527
const CB_B: i32 = 115993 - (48 << SHIFT)

function draw(to: usize, stride: usize): void {
  const red = i32x4.splat(CR_R << 16)
  const green = i32x4.splat((CR_G << 16) | CB_G)
  const blue = i32x4.splat(CB_B)
  let at = COEFFS
  for (let y: i32 = 0; y < TILE; y++) {
    let o = to + <usize>y * stride
    for (const end = o + 4 * TILE; o < end; o += 32) {
      const luma = v128.load(at)
      const cb = v128.load(at + COMPONENT)
      const cr = v128.load(at + 2 * COMPONENT)
      at += 16
      const low = i16x8.shuffle(cb, cr, 0, 8, 1, 9, 2, 10, 3, 11)
      const high = i16x8.shuffle(cb, cr, 4, 12, 5, 13, 6, 14, 7, 15)
      const l0 = level(i32x4.extend_low_i16x8_s(luma))
      const l1 = level(i32x4.extend_high_i16x8_s(luma))
      const r0 = i32x4.extend_low_i16x8_s(cr)
      const r1 = i32x4.extend_high_i16x8_s(cr)
      const b0 = i32x4.extend_low_i16x8_s(cb)
      const b1 = i32x4.extend_high_i16x8_s(cb)
      const r = i16x8.narrow_i32x4_s(
        i32x4.shr_s(i32x4.add(l0, i32x4.add(i32x4.shl(r0, 5), part(low, red))), 10),
        i32x4.shr_s(i32x4.add(l1, i32x4.add(i32x4.shl(r1, 5), part(high, red))), 10),
      )
      const g = i16x8.narrow_i32x4_s(
        i32x4.shr_s(i32x4.sub(l0, i32x4.add(i32x4.shl(r0, 4), part(low, green))), 10),
        i32x4.shr_s(i32x4.sub(l1, i32x4.add(i32x4.shl(r1, 4), part(high, green))), 10),
      )
      const b = i16x8.narrow_i32x4_s(
        i32x4.shr_s(i32x4.add(l0, i32x4.add(times48(b0), part(low, blue))), 10),
        i32x4.shr_s(i32x4.add(l1, i32x4.add(times48(b1), part(high, blue))), 10),
      )
      storePixels(o, r, g, b)
    }
  }
}

// @ts-ignore: decorator
@inline
function level(l: v128): v128 {
  return i32x4.shl(i32x4.add(l, i32x4.splat(128 << 5)), 5)
}

// @ts-ignore: decorator
@inline
function part(pairs: v128, factors: v128): v128 {
  return i32x4.shr_s(i32x4.dot_i16x8_s(pairs, factors), SHIFT)
}

// @ts-ignore: decorator
@inline
function times48(v: v128): v128 {
  return i32x4.add(i32x4.shl(v, 5), i32x4.shl(v, 4))
}
