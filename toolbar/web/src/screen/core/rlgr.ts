// RLGR, the entropy coding of RemoteFX ([MS-RDPRFX] 3.1.8.1.7): runs of zeros and Golomb-Rice codes whose parameters follow what was
// coded before.

/** The variants, with the values of the protocol ([MS-RDPRFX] 2.2.2.1.5). */
export const RLGR1 = 1
export const RLGR3 = 4

/** How many coefficients a component has. */
export const AREA = 64 * 64

// Parameters of the adaption (3.1.8.1.7.3.1).
const MAX = 80 // KPMAX
const SCALE = 3 // LSGR: a parameter is its scaled value by this many bits
const UP = 4 // UP_GR: a run grew
const DOWN = 6 // DN_GR: a run ended
const ZERO = 3 // UQ_GR: a zero in Golomb-Rice mode
const OTHER = 3 // DQ_GR: anything else there

/** How long the unary part of a code may be: more than any component has values. */
const MAX_ONES = (1 << 16) + 1

/** Maps 0, 1, 2, 3, 4 to 0, -1, 1, -2, 2; v has 32 bits without sign. */
const signed = (v: number): number => (v >>> 1) ^ -(v & 1)

/**
 * Fills out with the coefficients of one component, which stands in src up to end. What the stream does not say is zero. Beyond the end
 * there are zeros, and what took one of them is not written.
 */
export function decodeRLGR(mode: number, src: Uint8Array, from: number, end: number, out: Int16Array): void {
  out.fill(0)
  const last = end * 8
  let p = from
  let acc = 0 // the next bits, the first one highest; what is not valid is zero
  let have = 0
  let k = 1 // of runs
  let kp = 1 << SCALE
  let kr = 1 // of Golomb-Rice codes
  let rp = 1 << SCALE
  for (let n = 0; n < AREA; ) {
    for (; have <= 24; have += 8, p++) acc |= (p < end ? (src[p] as number) : 0) << (24 - have)
    const run = k > 0
    let negative = false
    if (run) {
      while (acc >= 0) {
        acc <<= 1
        have--
        n += 1 << k
        if (n >= AREA) return
        kp = Math.min(kp + UP, MAX)
        k = kp >> SCALE
        if (have === 0) {
          for (; have <= 24; have += 8, p++) acc |= (p < end ? (src[p] as number) : 0) << (24 - have)
        }
      }
      acc <<= 1
      have--
      for (; have <= 24; have += 8, p++) acc |= (p < end ? (src[p] as number) : 0) << (24 - have)
      if (k > 0) {
        n += acc >>> (32 - k)
        acc <<= k
        have -= k
      }
      if (n >= AREA) return
      negative = acc < 0
      acc <<= 1
      have--
    }

    // A Golomb-Rice code.
    let ones = 0
    for (;;) {
      for (; have <= 24; have += 8, p++) acc |= (p < end ? (src[p] as number) : 0) << (24 - have)
      const c = Math.clz32(~acc)
      ones += c
      if (c < have) {
        acc = (acc << c) << 1
        have -= c + 1
        break
      }
      acc = 0
      have = 0
      if (ones >= MAX_ONES) return
    }
    for (; have <= 24; have += 8, p++) acc |= (p < end ? (src[p] as number) : 0) << (24 - have)
    let code = ones << kr
    if (kr > 0) {
      code |= acc >>> (32 - kr)
      acc <<= kr
      have -= kr
    }
    if (ones === 0) rp = rp > 2 ? rp - 2 : 0
    else if (ones > 1) rp = Math.min(rp + ones, MAX)
    kr = rp >> SCALE
    if (ones >= MAX_ONES || p * 8 - have > last) return

    if (run) {
      code++
      out[n++] = negative ? -code : code
      kp = kp > DOWN ? kp - DOWN : 0
      k = kp >> SCALE
      continue
    }
    if (mode === RLGR1) {
      out[n++] = signed(code)
      if (code === 0) kp = Math.min(kp + ZERO, MAX)
      else kp = kp > OTHER ? kp - OTHER : 0
      k = kp >> SCALE
      continue
    }
    // RLGR3: one code is the sum of two values, and the first of them follows.
    let first = 0
    for (let width = 32 - Math.clz32(code); width > 0; ) {
      for (; have <= 24; have += 8, p++) acc |= (p < end ? (src[p] as number) : 0) << (24 - have)
      const part = Math.min(width, 16)
      first = (first << part) | (acc >>> (32 - part))
      acc <<= part
      have -= part
      width -= part
    }
    if (p * 8 - have > last) first = 0
    const second = (code - first) >>> 0 // a first value beyond the sum is garbage in, garbage out
    if (first !== 0 && second !== 0) kp = kp > 2 * OTHER ? kp - 2 * OTHER : 0
    else if (first === 0 && second === 0) kp = Math.min(kp + 2 * ZERO, MAX)
    k = kp >> SCALE
    out[n++] = signed(first)
    if (n < AREA) out[n++] = signed(second)
  }
}
