import { clamp } from './color.js'
import { AREA, decodeRLGR } from './rlgr.js'
import { OPAQUE, type Target } from './target.js'

/** The size of a RemoteFX tile ([MS-RDPRFX] 2.2.2.2.1). */
export const TILE = 64

/** One tile of a RemoteFX frame; it can be decoded without anything else. */
export interface Tile {
  entropy: number
  /** Shifts of the sub-bands of Y, Cb and Cr, two in a byte, the first one lowest: five bytes each. */
  quants: Uint8Array
  /** Y, Cb and Cr, entropy coded, one after the other, as many bytes as counts says. */
  data: Uint8Array
  counts: [number, number, number]
}

/**
 * The parts of a component's coefficients in the order of the stream (3.1.8.1.6), each with where its shift stands: LL3, LH3, HL3, HH3, LH2,
 * HL2, HH2, LH1, HL1, HH1 (TS_RFX_CODEC_QUANT, 2.2.2.1.5).
 */
const SUBBANDS: readonly (readonly [offset: number, size: number, quant: number])[] = [
  [0, 1024, 8],
  [1024, 1024, 7],
  [2048, 1024, 9],
  [3072, 256, 5],
  [3328, 256, 4],
  [3584, 256, 6],
  [3840, 64, 2],
  [3904, 64, 1],
  [3968, 64, 3],
  [4032, 64, 0],
]
const LOWEST = 4032

const coeffs = [new Int16Array(AREA), new Int16Array(AREA), new Int16Array(AREA)] as const
const work = new Int16Array(AREA)

/** Draws a tile into a target of its size. */
export function decodeTile(tile: Tile, t: Target): void {
  let from = 0
  for (let i = 0; i < 3; i++) {
    const c = coeffs[i] as Int16Array
    const end = from + (tile.counts[i] as number)
    decodeRLGR(tile.entropy, tile.data, from, end, c)
    from = end
    for (let j = LOWEST + 1; j < AREA; j++) c[j] = (c[j] as number) + (c[j - 1] as number) // LL3 holds differences
    dequantise(c, tile.quants, 5 * i)
    inverse(c, 3840, 8)
    inverse(c, 3072, 16)
    inverse(c, 0, 32)
  }
  drawYCbCr(t)
}

/** A quantiser of 6 is a factor of 1 (3.1.8.1.5); five fraction bits make it five more. */
function dequantise(c: Int16Array, quants: Uint8Array, at: number): void {
  for (const [offset, size, quant] of SUBBANDS) {
    const shift = (((quants[at + (quant >> 1)] as number) >> (4 * (quant & 1))) & 0x0f) - 1
    if (shift <= 0) continue
    for (let i = offset; i < offset + size; i++) c[i] = (c[i] as number) << shift
  }
}

/**
 * Undoes one level of the 5/3 wavelet transform (3.1.8.1.4) in place: four bands of side n at offset, in the order HL, LH, HH, LL, become
 * one of twice the side. Sums wrap at 16 bits, as the gateway's do.
 */
function inverse(c: Int16Array, offset: number, n: number): void {
  const area = n * n
  const side = 2 * n
  for (let y = 0; y < n; y++) {
    horizontal(y * side, c, offset + 3 * area + y * n, offset + y * n, n)
    horizontal((n + y) * side, c, offset + area + y * n, offset + 2 * area + y * n, n)
  }
  // Even rows of the picture, then the odd rows between them.
  for (let y = 0; y < n; y++) {
    const low = y * side
    const high = (n + y) * side
    const before = y > 0 ? high - side : high
    const to = offset + 2 * y * side
    for (let x = 0; x < side; x++) {
      const sum = (((work[before + x] as number) + (work[high + x] as number) + 1) << 16) >> 17
      c[to + x] = (work[low + x] as number) - sum
    }
  }
  for (let y = 0; y < n; y++) {
    const high = (n + y) * side
    const above = offset + 2 * y * side
    const below = y < n - 1 ? above + 2 * side : above
    const to = above + side
    for (let x = 0; x < side; x++) {
      const sum = (((c[above + x] as number) + (c[below + x] as number)) << 16) >> 17
      c[to + x] = ((work[high + x] as number) << 1) + sum
    }
  }
}

/** Puts one row of work together from its low and its high half. */
function horizontal(to: number, c: Int16Array, low: number, high: number, n: number): void {
  let h = c[high] as number
  let even = ((((c[low] as number) - (((h + h + 1) << 16) >> 17)) << 16) >> 16) as number
  work[to] = even
  for (let i = 1; i < n; i++) {
    const next = c[high + i] as number
    const then = (((c[low + i] as number) - (((h + next + 1) << 16) >> 17)) << 16) >> 16
    work[to + 2 * i - 1] = (h << 1) + (((even + then) << 16) >> 17)
    work[to + 2 * i] = then
    h = next
    even = then
  }
  work[to + 2 * n - 1] = (h << 1) + even
}

// Factors of the colour conversion (3.1.8.1.3), fixed point numbers of 16 bits, five of which the coefficients' fraction takes off again: a
// product with all of it does not fit 32 bits, so what is a multiple of 2^11 stands apart.
const SHIFT = 16 + 5 - 10
const CR_R = 91916 - (32 << SHIFT) // 1.402525
const CR_G = 46819 - (16 << SHIFT) // 0.714401
const CB_G = 22527 // 0.343730
const CB_B = 115993 - (48 << SHIFT) // 1.769905

function drawYCbCr(t: Target): void {
  const [ys, cbs, crs] = coeffs
  const { pix, stride } = t
  for (let y = 0, i = 0; y < TILE; y++) {
    for (let o = t.at + y * stride, end = o + TILE; o < end; i++) {
      const l = ((ys[i] as number) + (128 << 5)) << 5
      const b = cbs[i] as number
      const r = crs[i] as number
      const red = (l + 32 * r + ((r * CR_R) >> SHIFT)) >> 10
      const green = (l - 16 * r - ((b * CB_G + r * CR_G) >> SHIFT)) >> 10
      const blue = (l + 48 * b + ((b * CB_B) >> SHIFT)) >> 10
      pix[o++] = OPAQUE | (clamp(blue) << 16) | (clamp(green) << 8) | clamp(red)
    }
  }
}
