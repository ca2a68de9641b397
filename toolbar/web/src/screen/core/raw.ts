import { bytesOf, type Depth, pixelTable } from './color.js'
import { OPAQUE, type Target } from './target.js'

/**
 * Draws an uncompressed picture. Rows stand bottom-up: those of bitmap updates padded to four bytes, those of surface bits not.
 * Returns why it cannot; nothing is drawn then.
 */
export function decodeRaw(t: Target, depth: Depth, src: Uint8Array, padded: boolean): string {
  const size = bytesOf(depth)
  let line = t.w * size
  if (padded) line = (line + 3) & ~3
  if (src.length < line * (t.h - 1) + t.w * size) return `raw: ${src.length} bytes for ${t.w}x${t.h} at ${depth} bits`
  const { pix, w, h } = t
  for (let y = 0; y < h; y++) {
    let i = y * line
    let o = t.at + (h - 1 - y) * t.stride
    const end = o + w
    switch (depth) {
      case 32:
        for (; o < end; i += 4) {
          pix[o++] = OPAQUE | ((src[i] as number) << 16) | ((src[i + 1] as number) << 8) | (src[i + 2] as number)
        }
        break
      case 24:
        for (; o < end; i += 3) {
          pix[o++] = OPAQUE | ((src[i] as number) << 16) | ((src[i + 1] as number) << 8) | (src[i + 2] as number)
        }
        break
      default: {
        const pixels = pixelTable(depth)
        for (; o < end; i += 2) pix[o++] = pixels[(src[i] as number) | ((src[i + 1] as number) << 8)] as number
      }
    }
  }
  return ''
}
