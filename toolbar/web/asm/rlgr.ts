import { AREA, COMPONENT, RUNS, SLACK } from './layout'

// RLGR, the entropy coding of RemoteFX ([MS-RDPRFX] 3.1.8.1.7), as src/screen/core/rlgr.ts has it, but made for few branches that a processor
// cannot foresee: the next 57 bits come by one load, a run of zeros by one look into a table.

export const RLGR1: i32 = 1

const MAX: i32 = 80
const SCALE: i32 = 3
const UP: i32 = 4
const DOWN: i32 = 6
const ZERO: i32 = 3
const OTHER: i32 = 3
const MAX_ONES: i32 = (1 << 16) + 1

/** How many bits a window has at least. */
const WINDOW: i32 = 57
/** How many zeros the table of runs knows, one less. */
const LONGEST: i32 = 15

/**
 * Fills the table of runs: for each parameter and number of zeros how many coefficients they stand for, and in the lowest byte the parameter
 * afterwards.
 */
function fillRuns(): void {
  for (let start: i32 = 0; start <= MAX; start++) {
    let kp = start
    let n: i32 = 0
    for (let zeros: i32 = 0; zeros <= LONGEST; zeros++) {
      store<i32>(RUNS + (<usize>(start * (LONGEST + 1) + zeros) << 2), (n << 8) | kp)
      n += 1 << (kp >> SCALE)
      kp = min(kp + UP, MAX)
    }
  }
}

fillRuns() // when the module starts

// @ts-ignore: decorator
@inline
function signed(v: u32): i32 {
  return <i32>(v >>> 1) ^ -<i32>(v & 1)
}

/** The bits from pos on, the first one highest; base is where the first eight bytes end, whose order is reversed. */
// @ts-ignore: decorator
@inline
function window(base: usize, pos: i32): u64 {
  return load<u64>(base - (pos >>> 3)) << (pos & 7)
}

/** Copies n bytes to scratch in reverse order, so that a load gets them with the first one highest. Returns where the first eight are. */
function reverse(from: usize, n: usize, scratch: usize): usize {
  const base = scratch + SLACK + n
  let to = base
  const end = from + n
  for (; from < end; from += 16) {
    const v = v128.load(from)
    to -= 16
    v128.store(to, i8x16.shuffle(v, v, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0))
  }
  return base - 8
}

/**
 * Fills a component with what stands from `from` up to `end`, of which scratch gets a copy. Bits beyond the end may be anything: a code that takes one of them is not written.
 */
export function decodeRLGR(mode: i32, from: usize, end: usize, out: usize, scratch: usize): void {
  memory.fill(out, 0, COMPONENT)
  const base = reverse(from, end - from, scratch)
  const total: i32 = <i32>(end - from) << 3
  let pos: i32 = 0
  let kp: i32 = 1 << SCALE
  let kr: i32 = 1
  let rp: i32 = 1 << SCALE
  for (let n: i32 = 0; n < AREA; ) {
    let acc = window(base, pos)
    let left = WINDOW
    let negative: i32 = 0
    const run = kp >= 1 << SCALE
    if (run) {
      let zeros = <i32>clz(acc)
      while (zeros > LONGEST) {
        // Rare: a part of the run by the table, the rest anew.
        const part = load<i32>(RUNS + (<usize>(kp * (LONGEST + 1) + LONGEST) << 2))
        n += part >> 8
        kp = part & 0xff
        pos += LONGEST
        if (n >= AREA || pos > total) return
        acc = window(base, pos)
        zeros = <i32>clz(acc)
      }
      const entry = load<i32>(RUNS + (<usize>(kp * (LONGEST + 1) + zeros) << 2))
      kp = entry & 0xff
      const k = kp >> SCALE // not 0: a run has only let it grow
      acc = (acc << zeros) << 1
      n += (entry >> 8) + <i32>(acc >> (64 - k))
      acc <<= k
      negative = <i32>(acc >> 63)
      acc <<= 1
      const taken = zeros + k + 2
      pos += taken
      left -= taken
      if (n >= AREA) return
      kp = max(kp - DOWN, 0)
    }

    // A Golomb-Rice code.
    let ones = <i32>clz(~acc)
    if (ones + 1 + kr > left) {
      // Rare: it goes beyond the window.
      ones = countOnes(base, pos, total)
      if (ones < 0) return
      acc = window(base, pos + ones) << 1
      left = WINDOW - 1
    } else {
      acc = (acc << ones) << 1
      left -= ones + 1
    }
    pos += ones + 1
    let code: u32 = (ones << kr) | <u32>((acc >> 1) >> (63 - kr))
    acc <<= kr
    pos += kr
    left -= kr
    rp = select<i32>(max(rp - 2, 0), select<i32>(rp, min(rp + ones, MAX), ones == 1), ones == 0)
    kr = rp >> SCALE
    if (pos > total) return

    if (run) {
      code++
      store<i16>(out + (<usize>n << 1), <i16>((<i32>code ^ -negative) + negative))
      n++
      continue
    }
    if (mode == RLGR1) {
      store<i16>(out + (<usize>n << 1), <i16>signed(code))
      n++
      kp = select<i32>(min(kp + ZERO, MAX), max(kp - OTHER, 0), code == 0)
      continue
    }
    // RLGR3: one code is the sum of two values, and the first of them follows.
    const width = 32 - <i32>clz(code)
    if (width > left) acc = window(base, pos)
    let first: u32 = <u32>((acc >> 1) >> (63 - width))
    pos += width
    if (pos > total) first = 0
    const second: u32 = code - first // a first value beyond the sum is garbage in, garbage out
    if (first != 0 && second != 0) kp = max(kp - 2 * OTHER, 0)
    else if (first == 0 && second == 0) kp = min(kp + 2 * ZERO, MAX)
    store<i16>(out + (<usize>n << 1), <i16>signed(first))
    n++
    if (n < AREA) {
      store<i16>(out + (<usize>n << 1), <i16>signed(second))
      n++
    }
  }
}

/** Counts ones from pos on; -1 where they are more than any code has, or do not end. */
function countOnes(base: usize, pos: i32, total: i32): i32 {
  let n: i32 = 0
  while (n < MAX_ONES && pos + n <= total) {
    const ones = min(<i32>clz(~window(base, pos + n)), WINDOW)
    n += ones
    if (ones < WINDOW) return n < MAX_ONES ? n : -1
  }
  return -1
}
