import type { DecoderName } from './decoder.js'
import type { CodecName } from './picture.js'

/** What a view has done so far. */
export interface Stats {
  decoder: DecoderName
  /** Where it decodes. */
  thread: 'worker' | 'page'
  payloads: number
  bytes: number
  /** Presents that were shown, and frames of which nothing was, since decoding was behind (Frames). */
  frames: number
  dropped: number
  /** Units that could not be drawn, and why the last one could not. */
  faults: number
  lastFault: string
  /** Units drawn, by codec. */
  tiles: Partial<Record<CodecName, number>>
  /** Milliseconds of drawing them, by codec. */
  codecMs: Partial<Record<CodecName, number>>
  /** Milliseconds of decoding and of showing. */
  decodeMs: number
  showMs: number
}

/** Pixels of a desktop: R, G, B, A each. */
export interface Snapshot {
  width: number
  height: number
  pixels: Uint8ClampedArray
}
