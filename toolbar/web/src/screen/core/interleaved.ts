import { pixelTable } from './color.js'
import { OPAQUE, type Scratch, type Target } from './target.js'

// Interleaved RLE ([MS-RDPBCGR] 2.2.9.1.1.3.1.2.4).

// The orders. Regular and lite forms are mapped to these.
const BACKGROUND_RUN = 0
const FOREGROUND_RUN = 1
const FOREGROUND_IMAGE = 2 // FGBG_IMAGE: a bit per pixel
const COLOR_RUN = 3
const COLOR_IMAGE = 4
const SET_FOREGROUND_RUN = 5
const SET_FOREGROUND_IMAGE = 6
const DITHERED_RUN = 7
const WHITE = 8
const BLACK = 9
const BAD = 10

/** Shorter runs are written by a loop: a call costs more. */
const CALL = 24

type Values = Uint16Array | Uint32Array

/** Draws a picture; rows stand bottom-up. Returns why it cannot; nothing is drawn then. */
export function decodeInterleaved(t: Target, depth: 15 | 16 | 24, src: Uint8Array, scratch: Scratch): string {
  const { w, h, pix } = t
  if (depth === 24) {
    // Runs only copy, fill and XOR: values may stand as pixels from the beginning.
    const out = scratch.u32(w * h)
    const fault = unpack(out, w, 3, src, 0x00ffffff, OPAQUE)
    if (fault) return fault
    for (let y = 0; y < h; y++) {
      pix.set(out.subarray(y * w, y * w + w), t.at + (h - 1 - y) * t.stride)
    }
    return ''
  }
  const out = scratch.u16(w * h)
  const fault = unpack(out, w, 2, src, depth === 15 ? 0x7fff : 0xffff, 0)
  if (fault) return fault
  const pixels = pixelTable(depth)
  for (let y = 0, i = 0; y < h; y++) {
    let o = t.at + (h - 1 - y) * t.stride
    for (const end = o + w; o < end; ) pix[o++] = pixels[out[i++] as number] as number
  }
  return ''
}

/**
 * Follows the orders until out is full. What a stream has beyond that is not looked at: servers pad. size is that of a pixel in bytes,
 * black is what the first row is compared with.
 */
function unpack(out: Values, width: number, size: 2 | 3, src: Uint8Array, white: number, black: number): string {
  const total = out.length
  const end = src.length
  let at = 0 // pixels written
  let p = 0
  let fg = white // without the bits of black: it is a difference
  let first = true // within the first row there is no row above
  let insert = false // the order before was a background run: the next one begins with a foreground pixel

  const failed = () => `interleaved: after ${at} of ${total} pixels, ${end - p} bytes left`

  while (at < total) {
    if (first && at >= width) {
      first = false
      insert = false
    }
    // The next order with its number of pixels: pairs of a dithered run. mask is set for special orders.
    if (p >= end) return failed()
    const head = src[p++] as number
    let order: number
    let n: number
    let mask = 0
    if (head >= 0xf0) {
      // Mega: the length is two bytes.
      if (head <= 0xf4) order = head - 0xf0
      else if (head >= 0xf6 && head <= 0xf8) order = SET_FOREGROUND_RUN + head - 0xf6
      else if (head === 0xf9 || head === 0xfa) {
        order = FOREGROUND_IMAGE
        mask = head === 0xf9 ? 0x03 : 0x05
      } else if (head === 0xfd) order = WHITE
      else if (head === 0xfe) order = BLACK
      else order = BAD
      n = 8
      if (head <= 0xf8 && order !== BAD) {
        if (end - p < 2) return failed()
        n = (src[p] as number) | ((src[p + 1] as number) << 8)
        p += 2
      }
    } else {
      let base = 32
      if (head >= 0xc0) {
        // Lite: four bits.
        order = SET_FOREGROUND_RUN + (head >> 4) - 0xc
        n = head & 0x0f
        base = 16
      } else {
        order = head >> 5
        n = head & 0x1f
        if (order > COLOR_IMAGE) order = BAD
      }
      // 0 means that a byte follows which counts from base, or, for images of bits, from 1; other lengths of those are in bytes.
      const bits = order === FOREGROUND_IMAGE || order === SET_FOREGROUND_IMAGE
      if (n === 0 && order !== BAD) {
        if (p >= end) return failed()
        n = (src[p++] as number) + (bits ? 1 : base)
      } else if (bits) n *= 8
    }

    switch (order) {
      case BACKGROUND_RUN:
      case FOREGROUND_RUN:
      case SET_FOREGROUND_RUN: {
        if (order === SET_FOREGROUND_RUN) {
          if (end - p < size) return failed()
          fg = size === 2 ? word(src, p) : color(src, p)
          p += size
        }
        if (n > total - at) return failed()
        if (order === BACKGROUND_RUN && insert && n > 0) {
          out[at] = (first ? black : (out[at - width] as number)) ^ fg
          at++
          n--
        }
        const xor = order === BACKGROUND_RUN ? 0 : fg
        const stop = at + n
        if (first) {
          if (n > CALL) out.fill(black | xor, at, stop)
          else while (at < stop) out[at++] = black | xor
        } else if (xor === 0 && n > CALL && n <= width) {
          out.copyWithin(at, at - width, stop - width)
        } else {
          // The run may reach into what it writes.
          while (at < stop) {
            out[at] = (out[at - width] as number) ^ xor
            at++
          }
        }
        at = stop
        insert = order === BACKGROUND_RUN
        continue
      }
      case DITHERED_RUN: {
        if (end - p < 2 * size || 2 * n > total - at) return failed()
        const a = size === 2 ? word(src, p) : color(src, p) | black
        const b = size === 2 ? word(src, p + size) : color(src, p + size) | black
        p += 2 * size
        for (; n > 0; n--) {
          out[at++] = a
          out[at++] = b
        }
        break
      }
      case COLOR_RUN: {
        if (end - p < size || n > total - at) return failed()
        const c = size === 2 ? word(src, p) : color(src, p) | black
        p += size
        const stop = at + n
        if (n > CALL) out.fill(c, at, stop)
        else while (at < stop) out[at++] = c
        at = stop
        break
      }
      case FOREGROUND_IMAGE:
      case SET_FOREGROUND_IMAGE: {
        if (order === SET_FOREGROUND_IMAGE) {
          if (end - p < size) return failed()
          fg = size === 2 ? word(src, p) : color(src, p)
          p += size
        }
        if (n > total - at) return failed()
        while (n > 0) {
          let bits = mask
          if (bits === 0) {
            if (p >= end) return failed()
            bits = src[p++] as number
          }
          const stop = at + Math.min(n, 8)
          n -= 8
          for (; at < stop; bits >>= 1) {
            const above = first ? black : (out[at - width] as number)
            out[at++] = above ^ (fg & -(bits & 1))
          }
        }
        break
      }
      case COLOR_IMAGE:
        if (n * size > end - p || n > total - at) return failed()
        if (size === 2) {
          for (const stop = at + n; at < stop; p += 2) out[at++] = word(src, p)
        } else {
          for (const stop = at + n; at < stop; p += 3) out[at++] = color(src, p) | black
        }
        break
      case WHITE:
        out[at++] = white | black
        break
      case BLACK:
        out[at++] = black
        break
      default:
        return failed()
    }
    insert = false
  }
  return ''
}

/** A value of 16 bits. */
const word = (src: Uint8Array, p: number): number => (src[p] as number) | ((src[p + 1] as number) << 8)

/** A value of 24 bits, B, G, R, as a pixel without its alpha. */
const color = (src: Uint8Array, p: number): number =>
  (src[p + 2] as number) | ((src[p + 1] as number) << 8) | ((src[p] as number) << 16)
