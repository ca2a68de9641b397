// A piece of sound as the gateway sends it (pam/PROTOCOL.md, `audio`). Every byte of it is the target's.

/** A piece of sound, its samples still as they came. */
export interface Piece {
  /** Samples in a second. */
  rate: number
  channels: 1 | 2
  /** Milliseconds that were lost before it. */
  lost: number
  /** 16 bits each, little-endian, the channels' one after the other; whole frames. */
  samples: Uint8Array
}

const HEAD = 4 /* rate */ + 1 /* channels */ + 4 /* lost */
const WIDTH = 2

/** Rates that are played, in samples a second. */
export const MIN_RATE = 8000
export const MAX_RATE = 48_000
/** Of what a piece says was lost, no more than this counts, in milliseconds. */
const MAX_LOST = 60_000

/** Reads a payload; undefined if it is not as it must be. */
export function parsePiece(payload: Uint8Array): Piece | undefined {
  if (payload.length < HEAD) return undefined
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength)
  const rate = view.getUint32(0)
  const channels = view.getUint8(4)
  const samples = payload.subarray(HEAD)
  if (rate < MIN_RATE || rate > MAX_RATE) return undefined
  if (channels !== 1 && channels !== 2) return undefined
  if (samples.length % (WIDTH * channels) !== 0) return undefined
  return { rate, channels, lost: Math.min(MAX_LOST, view.getUint32(5)), samples }
}

/** The samples of a piece, from -1 to 1, for the left and the right; those of one channel are for both. */
export function planes(piece: Piece): [Float32Array, Float32Array] {
  const { samples, channels } = piece
  const view = new DataView(samples.buffer, samples.byteOffset, samples.byteLength)
  const n = samples.length / (WIDTH * channels)
  const left = new Float32Array(n)
  const right = channels === 2 ? new Float32Array(n) : left
  for (let i = 0; i < n; i++) {
    left[i] = view.getInt16(i * WIDTH * channels, true) / 0x8000
    if (channels === 2) right[i] = view.getInt16(i * WIDTH * channels + WIDTH, true) / 0x8000
  }
  return [left, right]
}
