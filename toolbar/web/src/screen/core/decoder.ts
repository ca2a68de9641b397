import { decodeInterleaved } from './interleaved.js'
import { decodeNSCodec } from './nscodec.js'
import { decodePlanar } from './planar.js'
import { decodeRaw } from './raw.js'
import { decodeTile, TILE, type Tile } from './rfxtile.js'
import { RLGR1, RLGR3 } from './rlgr.js'
import { Scratch, type Target, targetFault } from './target.js'

/** Numbers of codecs in tiles: those of rdp/internal/codec.ID. The ones that need a palette do not come to a browser. */
export const CODECS = {
  raw15: 2,
  raw16: 3,
  raw24: 4,
  raw32: 5,
  rle15: 7,
  rle16: 8,
  rle24: 9,
  planar: 10,
  surface16: 11,
  surface24: 12,
  surface32: 13,
  nscodec: 14,
} as const

/** Which implementation decodes all that is compressed. */
export type DecoderName = 'wasm-simd' | 'typescript'

/** What decodes pictures. It never throws for what a picture holds. */
export interface Decoder {
  readonly name: DecoderName
  /** The pixels of a desktop, which are drawn into fastest. Any call may put another view of them here. */
  readonly pix: Uint32Array
  /** Makes room for a desktop of so many pixels, which are undefined then. Throws where there is no memory. */
  desktop(pixels: number): void
  /** Draws a picture. Returns why it cannot, and draws nothing then. */
  decode(codec: number, src: Uint8Array, out: Target): string
  /** Draws a RemoteFX tile into a target of 64x64. */
  tile(tile: Tile, out: Target): string
}

/** All codecs in TypeScript. */
export class TypeScriptDecoder implements Decoder {
  readonly name: DecoderName = 'typescript'
  readonly #scratch = new Scratch()
  #pix = new Uint32Array(0)

  get pix(): Uint32Array {
    return this.#pix
  }

  desktop(pixels: number): void {
    if (this.#pix.length !== pixels) this.#pix = new Uint32Array(pixels)
  }

  decode(codec: number, src: Uint8Array, out: Target): string {
    const fault = targetFault(out)
    if (fault) return fault
    switch (codec) {
      case CODECS.raw15:
        return decodeRaw(out, 15, src, true)
      case CODECS.raw16:
        return decodeRaw(out, 16, src, true)
      case CODECS.raw24:
        return decodeRaw(out, 24, src, true)
      case CODECS.raw32:
        return decodeRaw(out, 32, src, true)
      case CODECS.surface16:
        return decodeRaw(out, 16, src, false)
      case CODECS.surface24:
        return decodeRaw(out, 24, src, false)
      case CODECS.surface32:
        return decodeRaw(out, 32, src, false)
      case CODECS.rle15:
        return decodeInterleaved(out, 15, src, this.#scratch)
      case CODECS.rle16:
        return decodeInterleaved(out, 16, src, this.#scratch)
      case CODECS.rle24:
        return decodeInterleaved(out, 24, src, this.#scratch)
      case CODECS.planar:
        return decodePlanar(out, src, this.#scratch)
      case CODECS.nscodec:
        return decodeNSCodec(out, src, this.#scratch)
      default:
        return `no decoder for codec ${codec}`
    }
  }

  tile(tile: Tile, out: Target): string {
    const fault = tileFault(tile, out)
    if (!fault) decodeTile(tile, out)
    return fault
  }
}

/** Why a tile cannot be drawn; empty if it can. */
export function tileFault(tile: Tile, out: Target): string {
  if (tile.entropy !== RLGR1 && tile.entropy !== RLGR3) return `remotefx: entropy coding ${tile.entropy}`
  if (out.w !== TILE || out.h !== TILE) return `remotefx: tile into ${out.w}x${out.h}`
  return targetFault(out)
}
