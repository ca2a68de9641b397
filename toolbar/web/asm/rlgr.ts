import { AREA, COMPONENT } from './layout'

// RLGR, the entropy coding of RemoteFX ([MS-RDPRFX] 3.1.8.1.7), as src/screen/core/rlgr.ts has it. Here bits beyond the end may be anything: a
// code that takes one of them is not written.

export const RLGR1: i32 = 1

const MAX: i32 = 80
const SCALE: i32 = 3
const UP: i32 = 4
const DOWN: i32 = 6
const ZERO: i32 = 3
const OTHER: i32 = 3
const MAX_ONES: i32 = (1 << 16) + 1

// @ts-ignore: decorator
@inline
function signed(v: u32): i32 {
  return v & 1 ? -(<i32>(v + 1) / 2) : <i32>(v >>> 1)
}

// @ts-ignore: decorator
@inline
function more(p: usize, have: i32): u64 {
  return <u64>bswap<u32>(load<u32>(p)) << (32 - have)
}

/** Fills a component with what stands from `from` up to `end`. */
export function decodeRLGR(mode: i32, from: usize, end: usize, out: usize): void {
  memory.fill(out, 0, COMPONENT)
  let p = from
  let acc: u64 = 0 // the next bits, the first one highest; what is not valid is zero
  let have: i32 = 0
  let k: i32 = 1
  let kp: i32 = 1 << SCALE
  let kr: i32 = 1
  let rp: i32 = 1 << SCALE
  for (let n: i32 = 0; n < AREA; ) {
    if (have < 32) {
      acc |= more(p, have)
      p += 4
      have += 32
    }
    const run = k > 0
    let negative = false
    if (run) {
      while (<i64>acc >= 0) {
        acc <<= 1
        have--
        n += 1 << k
        if (n >= AREA) return
        kp = min(kp + UP, MAX)
        k = kp >> SCALE
        if (have == 0) {
          if (p > end) return
          acc = more(p, 0)
          p += 4
          have = 32
        }
      }
      acc <<= 1
      have--
      if (have < 32) {
        acc |= more(p, have)
        p += 4
        have += 32
      }
      n += <i32>(acc >> (64 - k)) // k is not 0: a run has only let it grow
      acc <<= k
      have -= k
      if (n >= AREA) return
      negative = <i64>acc < 0
      acc <<= 1
      have--
    }

    // A Golomb-Rice code.
    let ones: i32 = 0
    for (;;) {
      if (have < 32) {
        acc |= more(p, have)
        p += 4
        have += 32
      }
      const c = <i32>clz(~acc)
      ones += c
      if (c < have) {
        acc = (acc << c) << 1
        have -= c + 1
        break
      }
      acc = 0
      have = 0
      if (ones >= MAX_ONES || p > end) return
    }
    if (have < 32) {
      acc |= more(p, have)
      p += 4
      have += 32
    }
    let code: u32 = ones << kr
    if (kr > 0) {
      code |= <u32>(acc >> (64 - kr))
      acc <<= kr
      have -= kr
    }
    if (ones == 0) rp = max(rp - 2, 0)
    else if (ones > 1) rp = min(rp + ones, MAX)
    kr = rp >> SCALE
    if (ones >= MAX_ONES || over(p, have, end)) return

    if (run) {
      code++
      store<i16>(out + (<usize>n << 1), <i16>(negative ? -code : code))
      n++
      kp = max(kp - DOWN, 0)
      k = kp >> SCALE
      continue
    }
    if (mode == RLGR1) {
      store<i16>(out + (<usize>n << 1), <i16>signed(code))
      n++
      kp = code == 0 ? min(kp + ZERO, MAX) : max(kp - OTHER, 0)
      k = kp >> SCALE
      continue
    }
    // RLGR3: one code is the sum of two values, and the first of them follows.
    if (have < 32) {
      acc |= more(p, have)
      p += 4
      have += 32
    }
    const width = 32 - <i32>clz(code)
    let first: u32 = 0
    if (width > 0) {
      first = <u32>(acc >> (64 - width))
      acc <<= width
      have -= width
      if (over(p, have, end)) first = 0
    }
    const second: u32 = code - first // a first value beyond the sum is garbage in, garbage out
    if (first != 0 && second != 0) kp = max(kp - 2 * OTHER, 0)
    else if (first == 0 && second == 0) kp = min(kp + 2 * ZERO, MAX)
    k = kp >> SCALE
    store<i16>(out + (<usize>n << 1), <i16>signed(first))
    n++
    if (n < AREA) {
      store<i16>(out + (<usize>n << 1), <i16>signed(second))
      n++
    }
  }
}

/** Whether more bits were taken than there were. */
// @ts-ignore: decorator
@inline
function over(p: usize, have: i32, end: usize): bool {
  return p > end && (<i32>(p - end) << 3) > have
}
