import { CODECS, type DecoderName, TypeScriptDecoder, tileFault } from './core/decoder.js'
import { NS_PLANES, nsHeader } from './core/nscodec.js'
import { TILE, type Tile } from './core/rfxtile.js'
import { type Target, targetFault } from './core/target.js'

/** What the module (folder asm) exports. */
interface Exports {
  memory: WebAssembly.Memory
  /** Where the quantisation, the input and a decoded tile stand. */
  QUANTS: WebAssembly.Global<'i32'>
  INPUT: WebAssembly.Global<'i32'>
  TILE: WebAssembly.Global<'i32'>
  /** How many bytes beyond anything may be read. */
  SLACK: WebAssembly.Global<'i32'>
  tile(mode: number, luma: number, cb: number, cr: number, scratch: number, to: number, stride: number): void
  unpackPlane(plane: number, size: number, from: number, n: number): number
  drawPlanes(
    to: number,
    width: number,
    height: number,
    p: number,
    q: number,
    s: number,
    lumaWidth: number,
    chromaWidth: number,
    loss: number,
    sub: number,
  ): void
}

const PAGE = 64 << 10
/** Larger pictures are decoded in TypeScript: memory of a module never shrinks. */
const MOST = 48 << 20

/** RemoteFX and NSCodec by a module with SIMD, the rest in TypeScript. */
export class WasmDecoder extends TypeScriptDecoder {
  override readonly name: DecoderName = 'wasm-simd'
  readonly #wasm: Exports
  readonly #input: number
  readonly #tile: number
  #bytes: Uint8Array
  #pixels: Uint32Array

  /** Throws where the browser refuses it: it may know no SIMD. */
  static async of(module: WebAssembly.Module): Promise<WasmDecoder> {
    return new WasmDecoder((await WebAssembly.instantiate(module, {})).exports as unknown as Exports)
  }

  private constructor(wasm: Exports) {
    super()
    this.#wasm = wasm
    this.#input = wasm.INPUT.value
    this.#tile = wasm.TILE.value
    this.#bytes = new Uint8Array(wasm.memory.buffer)
    this.#pixels = new Uint32Array(wasm.memory.buffer)
  }

  override decode(codec: number, src: Uint8Array, out: Target): string {
    if (codec !== CODECS.nscodec) return super.decode(codec, src, out)
    const fault = targetFault(out)
    if (fault) return fault
    const head = nsHeader(src, out.w, out.h)
    if (typeof head === 'string') return head
    const { counts, sizes, lumaWidth, chromaWidth, loss, sub } = head
    const stride = (out.w + 7) & ~7
    const planes = aligned(this.#input + src.length + this.#wasm.SLACK.value)
    const pixels = aligned(planes + sizes[0] + 2 * sizes[1] + sizes[3] + this.#wasm.SLACK.value)
    if (!this.#room(pixels + 4 * stride * out.h)) return super.decode(codec, src, out)
    this.#bytes.set(src, this.#input)
    let from = this.#input + NS_PLANES
    let to = planes
    for (let i = 0; i < 4; i++) {
      const n = counts[i] as number
      const size = sizes[i] as number
      if (!this.#wasm.unpackPlane(to, size, from, n)) return `nscodec: plane ${i}: ${n} bytes do not make ${size}`
      from += n
      to += size
    }
    const second = planes + sizes[0]
    const third = second + sizes[1]
    this.#wasm.drawPlanes(pixels, out.w, out.h, planes, second, third, lumaWidth, chromaWidth, loss, sub ? 1 : 0)
    this.#copy(pixels, stride, out)
    return ''
  }

  override tile(tile: Tile, out: Target): string {
    const fault = tileFault(tile, out)
    if (fault) return fault
    const slack = this.#wasm.SLACK.value
    const scratch = aligned(this.#input + tile.data.length + slack)
    if (!this.#room(scratch + tile.data.length + 2 * slack)) return super.tile(tile, out)
    this.#bytes.set(tile.quants, this.#wasm.QUANTS.value)
    this.#bytes.set(tile.data, this.#input)
    const [luma, cb, cr] = tile.counts
    this.#wasm.tile(tile.entropy, luma, cb, cr, scratch, this.#tile, 4 * TILE)
    this.#copy(this.#tile, TILE, out)
    return ''
  }

  /** Makes sure that the memory has so many bytes; false if that is too much. */
  #room(bytes: number): boolean {
    const { memory } = this.#wasm
    if (bytes <= this.#bytes.length) return true
    if (bytes > MOST) return false
    try {
      memory.grow(Math.ceil((bytes - this.#bytes.length) / PAGE))
    } catch {
      return false
    }
    this.#bytes = new Uint8Array(memory.buffer)
    this.#pixels = new Uint32Array(memory.buffer)
    return true
  }

  /** Copies pixels of the memory to a target. */
  #copy(at: number, stride: number, out: Target): void {
    for (let y = 0; y < out.h; y++) {
      const from = (at >> 2) + y * stride
      out.pix.set(this.#pixels.subarray(from, from + out.w), out.at + y * out.stride)
    }
  }
}

const aligned = (n: number): number => (n + 15) & ~15
