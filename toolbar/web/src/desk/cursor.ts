// The pointer of a desktop (pam/PROTOCOL.md, cursor) as a value of the CSS property cursor.

const SYSTEM = 1
const HIDDEN = 2
const SHAPE = 3
const MOVED = 4

const HEADER = 1 + 4 * 2
/** Browsers take no larger picture for a pointer, in CSS pixels. */
const MOST = 128

export type Cursor =
  | { kind: 'system' | 'hidden' }
  | { kind: 'shape'; hotX: number; hotY: number; width: number; height: number; pixels: Uint8Array }
  | { kind: 'moved'; x: number; y: number }

/** Reads a payload; undefined if it is none. */
export function parseCursor(payload: Uint8Array): Cursor | undefined {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength)
  switch (payload[0]) {
    case SYSTEM:
      return payload.length === 1 ? { kind: 'system' } : undefined
    case HIDDEN:
      return payload.length === 1 ? { kind: 'hidden' } : undefined
    case MOVED:
      return payload.length === 5 ? { kind: 'moved', x: view.getUint16(1), y: view.getUint16(3) } : undefined
    case SHAPE: {
      if (payload.length < HEADER) return undefined
      const [hotX, hotY, width, height] = [1, 3, 5, 7].map((at) => view.getUint16(at)) as [
        number,
        number,
        number,
        number,
      ]
      const pixels = payload.subarray(HEADER)
      const fits = width > 0 && height > 0 && hotX < width && hotY < height && pixels.length === 4 * width * height
      return fits ? { kind: 'shape', hotX, hotY, width, height, pixels } : undefined
    }
  }
  return undefined
}

/** Draws pixels and returns them as an address of a picture. */
export type Draw = (pixels: Uint8Array, width: number, height: number, to: { width: number; height: number }) => string

/** The value for a cursor whose pixels are shown times as large. What browsers cannot show is the system's pointer. */
export function cursorStyle(cursor: Cursor, times: number, draw: Draw): string | undefined {
  switch (cursor.kind) {
    case 'system':
      return 'default'
    case 'hidden':
      return 'none'
    case 'moved':
      return undefined
    case 'shape': {
      const to = { width: Math.round(cursor.width * times), height: Math.round(cursor.height * times) }
      if (to.width < 1 || to.height < 1) return 'default'
      if (to.width > MOST || to.height > MOST) return 'crosshair'
      const hot = (v: number, size: number): number => Math.min(size - 1, Math.round(v * times))
      const url = draw(cursor.pixels, cursor.width, cursor.height, to)
      return `url(${url}) ${hot(cursor.hotX, to.width)} ${hot(cursor.hotY, to.height)}, default`
    }
    default:
      return cursor satisfies never
  }
}
