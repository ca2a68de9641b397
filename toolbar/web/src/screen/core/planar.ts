import { clamp } from './color.js'
import { OPAQUE, type Scratch, type Target } from './target.js'

// RDP 6.0 planar ([MS-RDPEGDI] 3.1.9). Bits of its header (RDP6_BITMAP_STREAM, 2.2.2.5.1).
const LOSS = 0x07 // CLL: colour loss level; 0: the planes are R, G, B
const SUBSAMPLE = 0x08 // CS: chroma planes have half the width and height
const RLE = 0x10
const NO_ALPHA = 0x20

/**
 * Draws a picture; rows stand bottom-up, a desktop has no alpha. Where there are luma and chroma, red and blue have changed places: an old
 * mistake of servers that [MS-RDPEGDI] 3.1.9.1.2 makes a rule. Returns why it cannot; nothing is drawn then.
 */
export function decodePlanar(t: Target, src: Uint8Array, scratch: Scratch): string {
  const { w, h } = t
  if (src.length === 0) return 'planar: empty'
  const head = src[0] as number
  const loss = head & LOSS
  const sub = (head & SUBSAMPLE) !== 0
  if (sub && loss === 0) return 'planar: subsampled planes of R, G, B'
  const cw = sub ? (w + 1) >> 1 : w
  const ch = sub ? (h + 1) >> 1 : h
  const full = w * h
  const chroma = cw * ch
  const rle = (head & RLE) !== 0
  const planes = scratch.u8(full + 2 * chroma)
  const sizes: [number, number, number][] = [
    [0, w, h],
    [full, cw, ch],
    [full + chroma, cw, ch],
  ]
  if ((head & NO_ALPHA) === 0) sizes.unshift([0, w, h]) // the next one overwrites it
  let p = 1
  for (const [at, pw, ph] of sizes) {
    if (rle) p = unpackPlane(planes, at, pw, ph, src, p)
    else if (src.length - p < pw * ph) p = -1
    else {
      planes.set(src.subarray(p, p + pw * ph), at)
      p += pw * ph
    }
    if (p < 0) return `planar: the planes of ${w}x${h} are cut short`
  }
  for (let y = 0; y < h; y++) {
    const chromaAt = full + (sub ? y >> 1 : y) * cw
    drawPlanes(t, h - 1 - y, planes, y * w, chromaAt, chromaAt + chroma, loss, sub, true)
  }
  return ''
}

/** Puts one row of planes together; p, q, s are where its parts begin. swap: red and blue change places. */
export function drawPlanes(
  t: Target,
  row: number,
  planes: Uint8Array,
  p: number,
  q: number,
  s: number,
  loss: number,
  sub: boolean,
  swap: boolean,
): void {
  const { pix, w } = t
  const o = t.at + row * t.stride
  if (loss === 0) {
    for (let x = 0; x < w; x++) {
      pix[o + x] =
        OPAQUE | ((planes[s + x] as number) << 16) | ((planes[q + x] as number) << 8) | (planes[p + x] as number)
    }
    return
  }
  const left = 24 + loss - 1 // the value's eight bits, shifted, highest; then the sign comes down with them
  const half = sub ? 1 : 0
  for (let x = 0; x < w; x++) {
    const c = x >> half
    const co = ((planes[q + c] as number) << left) >> 24
    const cg = ((planes[s + c] as number) << left) >> 24
    const v = planes[p + x] as number
    const rest = v - cg
    const plus = clamp(rest + co)
    const minus = clamp(rest - co)
    pix[o + x] = OPAQUE | (clamp(v + cg) << 8) | (swap ? (plus << 16) | minus : (minus << 16) | plus)
  }
}

/** Shorter runs are copied by a loop: a call costs more. */
const CALL = 24

/**
 * Undoes the RLE of one plane at `at` (3.1.9.2): segments of raw bytes and a run of the last one. From the second row on the values are
 * differences to the row above, in sign-and-magnitude with the sign lowest. Returns where the next plane begins in src, -1 if it cannot.
 */
function unpackPlane(planes: Uint8Array, at: number, w: number, h: number, src: Uint8Array, p: number): number {
  const end = src.length
  let o = at
  for (let y = 0; y < h; y++) {
    let last = 0
    for (const stop = o + w; o < stop; ) {
      if (p >= end) return -1
      const control = src[p++] as number
      let run = control & 0x0f
      let raw = control >> 4
      if (run === 1 || run === 2) {
        run = raw + (run << 4)
        raw = 0
      }
      if (raw + run > stop - o || raw > end - p) return -1
      if (y === 0) {
        for (; raw > 0; raw--) {
          last = src[p++] as number
          planes[o++] = last
        }
        for (; run > 0; run--) planes[o++] = last
        continue
      }
      for (; raw > 0; raw--) {
        const v = src[p++] as number
        last = (v >> 1) ^ -(v & 1) // odd ones are -(v>>1) - 1
        planes[o] = (planes[o - w] as number) + last
        o++
      }
      if (last === 0 && run > CALL) {
        planes.copyWithin(o, o - w, o - w + run)
        o += run
      } else {
        for (; run > 0; run--) {
          planes[o] = (planes[o - w] as number) + last
          o++
        }
      }
    }
  }
  return p
}
