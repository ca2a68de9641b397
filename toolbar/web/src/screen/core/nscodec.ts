import { drawPlanes } from './planar.js'
import type { Scratch, Target } from './target.js'

// NSCodec ([MS-RDPNSC] 2.2.2, 3.1.8): luma and two chroma planes, each run-length coded on its own.

const HEADER = 4 * 4 + 1 + 1 + 2
/** The last bytes of a plane stand as they are. */
const TAIL = 4

/** What the header of a picture says, checked. */
export interface NSHeader {
  /** Bytes of luma, orange chroma, green chroma, alpha in the stream. */
  counts: [number, number, number, number]
  /** Bytes of each when unpacked. */
  sizes: [number, number, number, number]
  lumaWidth: number
  chromaWidth: number
  loss: number
  sub: boolean
}

/** Reads the header of a picture of w times h; a string says why it cannot. */
export function nsHeader(src: Uint8Array, w: number, h: number): NSHeader | string {
  if (src.length < HEADER) return `nscodec: ${src.length} bytes`
  const count = (at: number) =>
    ((src[at] as number) |
      ((src[at + 1] as number) << 8) |
      ((src[at + 2] as number) << 16) |
      ((src[at + 3] as number) << 24)) >>>
    0
  const counts: [number, number, number, number] = [count(0), count(4), count(8), count(12)]
  if (counts[0] + counts[1] + counts[2] + counts[3] > src.length - HEADER) {
    return `nscodec: planes of ${counts} bytes in ${src.length}`
  }
  const loss = src[16] as number
  if (loss < 1 || loss > 7) return `nscodec: colour loss ${loss}`
  const sub = src[17] !== 0
  const lumaWidth = sub ? (w + 7) & ~7 : w
  const chromaWidth = sub ? lumaWidth >> 1 : w
  const chroma = chromaWidth * (sub ? (h + 1) >> 1 : h)
  return { counts, sizes: [lumaWidth * h, chroma, chroma, w * h], lumaWidth, chromaWidth, loss, sub }
}

/** Where the planes begin in the stream. */
export const NS_PLANES = HEADER

/** Draws a picture; rows stand bottom-up. Returns why it cannot; nothing is drawn then. */
export function decodeNSCodec(t: Target, src: Uint8Array, scratch: Scratch): string {
  const { w, h } = t
  const head = nsHeader(src, w, h)
  if (typeof head === 'string') return head
  const { counts, sizes, lumaWidth, chromaWidth, loss, sub } = head
  const planes = scratch.u8(sizes[0] + 2 * sizes[1] + sizes[3])
  let from = NS_PLANES
  let to = 0
  for (let i = 0; i < 4; i++) {
    const n = counts[i] as number
    const size = sizes[i] as number
    if (!unpackPlane(planes, to, size, src, from, n)) return `nscodec: plane ${i}: ${n} bytes do not make ${size}`
    from += n
    to += size
  }
  for (let y = 0; y < h; y++) {
    const chroma = sizes[0] + (sub ? y >> 1 : y) * chromaWidth
    drawPlanes(t, h - 1 - y, planes, y * lumaWidth, chroma, chroma + sizes[1], loss, sub, false)
  }
  return ''
}

/**
 * Undoes the run-length coding of one plane (2.2.2.2, 3.1.8.1.1): two equal bytes are followed by a length. An empty plane is all 255, one
 * of full size is not coded.
 */
function unpackPlane(planes: Uint8Array, at: number, size: number, src: Uint8Array, from: number, n: number): boolean {
  if (n === 0) {
    planes.fill(255, at, at + size)
    return true
  }
  if (n >= size) {
    planes.set(src.subarray(from, from + size), at)
    return true
  }
  let p = from
  const end = from + n
  const stop = at + size
  let o = at
  while (stop - o > TAIL) {
    if (p >= end) return false
    const v = src[p++] as number
    let run = 1
    if (stop - o > TAIL + 1 && p < end && src[p] === v) {
      if (end - p < 2) return false
      const short = src[p + 1] as number
      if (short < 0xff) {
        run = short + 2
        p += 2
      } else {
        if (end - p < 6) return false
        run =
          ((src[p + 2] as number) |
            ((src[p + 3] as number) << 8) |
            ((src[p + 4] as number) << 16) |
            ((src[p + 5] as number) << 24)) >>>
          0
        p += 6
      }
      if (run > stop - o - TAIL) return false
    }
    if (run > 16) planes.fill(v, o, o + run)
    else for (let i = 0; i < run; i++) planes[o + i] = v
    o += run
  }
  if (end - p < stop - o) return false
  planes.set(src.subarray(p, p + stop - o), o)
  return true
}
