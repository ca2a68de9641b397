import { CODECS, type DecoderName, TypeScriptDecoder, tileFault } from './core/decoder.js'
import { NS_PLANES, nsHeader } from './core/nscodec.js'
import type { Tile } from './core/rfxtile.js'
import { type Target, targetFault } from './core/target.js'

/** What the module (folder asm) exports. */
interface Exports {
  memory: WebAssembly.Memory
  /** Where a tile's quantisation stands, and from where on memory is free. */
  QUANTS: WebAssembly.Global<'i32'>
  FREE: WebAssembly.Global<'i32'>
  /** How many bytes around anything may be touched. */
  SLACK: WebAssembly.Global<'i32'>
  tile: (mode: number, src: number, luma: number, cb: number, cr: number, ...to: [number, number, number]) => void
  interleaved: (depth: number, src: number, end: number, scratch: number, ...to: Rows) => number
  planar: (src: number, end: number, scratch: number, ...to: Rows) => number
  unpackPlane: (plane: number, size: number, from: number, n: number) => number
  drawPlanes: (
    ...args: [
      ...to: Rows,
      p: number,
      q: number,
      s: number,
      luma: number,
      chroma: number,
      loss: number,
      sub: number,
      swap: number,
    ]
  ) => void
}

/** Where pixels go: the first byte, bytes from row to row, width, height. */
type Rows = [to: number, stride: number, w: number, h: number]

/** Where one picture's input, what is made of it, and its pixels stand. */
interface Place {
  input: number
  scratch: number
  rows: Rows
  /** Whether the pixels go straight to the desktop. */
  direct: boolean
}

const PAGE = 64 << 10
/** Pictures that take more than this besides the desktop are decoded in TypeScript: memory of a module never shrinks. */
const MOST = 48 << 20

/** All that is compressed by a module with SIMD, the rest in TypeScript. The desktop lies in the module's memory. */
export class WasmDecoder extends TypeScriptDecoder {
  override readonly name: DecoderName = 'wasm-simd'
  readonly #wasm: Exports
  readonly #slack: number
  /** Where what is not the desktop begins. */
  #base: number
  #bytes: Uint8Array
  #desktop: Uint32Array
  #pixels = 0

  /** Throws where the browser refuses it: it may know no SIMD. */
  static async of(module: WebAssembly.Module): Promise<WasmDecoder> {
    return new WasmDecoder((await WebAssembly.instantiate(module, {})).exports as unknown as Exports)
  }

  private constructor(wasm: Exports) {
    super()
    this.#wasm = wasm
    this.#slack = wasm.SLACK.value
    this.#base = wasm.FREE.value
    this.#bytes = new Uint8Array(wasm.memory.buffer)
    this.#desktop = new Uint32Array(wasm.memory.buffer, wasm.FREE.value, 0)
  }

  override get pix(): Uint32Array {
    return this.#desktop
  }

  override desktop(pixels: number): void {
    const base = aligned(this.#wasm.FREE.value + 4 * pixels + this.#slack)
    if (!this.#grow(base + PAGE)) throw new RangeError(`no memory for a desktop of ${pixels} pixels`)
    this.#base = base
    this.#pixels = pixels
    this.#desktop = new Uint32Array(this.#wasm.memory.buffer, this.#wasm.FREE.value, pixels)
  }

  override decode(codec: number, src: Uint8Array, out: Target): string {
    switch (codec) {
      case CODECS.rle15:
        return this.#interleaved(15, src, out) ?? super.decode(codec, src, out)
      case CODECS.rle16:
        return this.#interleaved(16, src, out) ?? super.decode(codec, src, out)
      case CODECS.rle24:
        return this.#interleaved(24, src, out) ?? super.decode(codec, src, out)
      case CODECS.planar:
        return this.#planar(src, out) ?? super.decode(codec, src, out)
      case CODECS.nscodec:
        return this.#nscodec(src, out) ?? super.decode(codec, src, out)
      default:
        return super.decode(codec, src, out)
    }
  }

  override tile(tile: Tile, out: Target): string {
    const fault = tileFault(tile, out)
    if (fault) return fault
    const place = this.#place(tile.data, tile.data.length, out)
    if (!place) return super.tile(tile, out)
    this.#bytes.set(tile.quants, this.#wasm.QUANTS.value)
    const [luma, cb, cr] = tile.counts
    this.#wasm.tile(tile.entropy, place.input, luma, cb, cr, place.scratch, place.rows[0], place.rows[1])
    this.#settle(place, out)
    return ''
  }

  // Each of these returns why it cannot, or undefined where the picture is too large for the module.

  #interleaved(depth: 15 | 16 | 24, src: Uint8Array, out: Target): string | undefined {
    const fault = targetFault(out)
    if (fault) return fault
    const place = this.#place(src, 4 * out.w * out.h, out)
    if (!place) return undefined
    const { input, scratch, rows } = place
    if (!this.#wasm.interleaved(depth, input, input + src.length, scratch, ...rows)) {
      return `interleaved: ${src.length} bytes do not make ${out.w}x${out.h}`
    }
    this.#settle(place, out)
    return ''
  }

  #planar(src: Uint8Array, out: Target): string | undefined {
    const fault = targetFault(out) || (src.length === 0 ? 'planar: empty' : '')
    if (fault) return fault
    const place = this.#place(src, 3 * out.w * out.h, out)
    if (!place) return undefined
    const { input, scratch, rows } = place
    if (!this.#wasm.planar(input, input + src.length, scratch, ...rows)) {
      return `planar: ${src.length} bytes do not make ${out.w}x${out.h}`
    }
    this.#settle(place, out)
    return ''
  }

  #nscodec(src: Uint8Array, out: Target): string | undefined {
    const fault = targetFault(out)
    if (fault) return fault
    const head = nsHeader(src, out.w, out.h)
    if (typeof head === 'string') return head
    const { counts, sizes, lumaWidth, chromaWidth, loss, sub } = head
    const place = this.#place(src, sizes[0] + 2 * sizes[1] + sizes[3], out)
    if (!place) return undefined
    let from = place.input + NS_PLANES
    let to = place.scratch
    for (let i = 0; i < 4; i++) {
      const n = counts[i] as number
      const size = sizes[i] as number
      if (!this.#wasm.unpackPlane(to, size, from, n)) return `nscodec: plane ${i}: ${n} bytes do not make ${size}`
      from += n
      to += size
    }
    const second = place.scratch + sizes[0]
    const third = second + sizes[1]
    this.#wasm.drawPlanes(...place.rows, place.scratch, second, third, lumaWidth, chromaWidth, loss, sub ? 1 : 0, 0)
    this.#settle(place, out)
    return ''
  }

  /** Puts input into the memory and finds room for so many bytes that are made of it; undefined if that is too much. */
  #place(src: Uint8Array, scratchBytes: number, out: Target): Place | undefined {
    const direct = out.pix === this.#desktop
    const input = this.#base
    const scratch = aligned(input + src.length + 2 * this.#slack)
    const pixels = aligned(scratch + scratchBytes + 2 * this.#slack)
    const end = pixels + (direct ? 0 : 4 * out.w * out.h + this.#slack)
    if (end - this.#base > MOST || !this.#grow(end)) return undefined
    this.#bytes.set(src, input)
    const rows: Rows = direct
      ? [this.#desktop.byteOffset + 4 * out.at, 4 * out.stride, out.w, out.h]
      : [pixels, 4 * out.w, out.w, out.h]
    return { input, scratch, rows, direct }
  }

  /** Makes sure that the memory has so many bytes; false if there are not. */
  #grow(bytes: number): boolean {
    const { memory } = this.#wasm
    if (bytes <= this.#bytes.length) return true
    try {
      memory.grow(Math.ceil((bytes - this.#bytes.length) / PAGE))
    } catch {
      return false
    }
    this.#bytes = new Uint8Array(memory.buffer)
    this.#desktop = new Uint32Array(memory.buffer, this.#wasm.FREE.value, this.#pixels)
    return true
  }

  /** Copies pixels that did not go straight to their place. */
  #settle(place: Place, out: Target): void {
    if (place.direct) return
    const pixels = new Uint32Array(this.#wasm.memory.buffer, place.rows[0], out.w * out.h)
    for (let y = 0; y < out.h; y++) {
      out.pix.set(pixels.subarray(y * out.w, y * out.w + out.w), out.at + y * out.stride)
    }
  }
}

const aligned = (n: number): number => (n + 15) & ~15
