/** A picture of a desktop: red, green, blue and something else for each pixel. */
export interface Picture {
  width: number
  height: number
  pixels: Uint32Array
}

/** What alpha is, of which screens have none. */
const COLOUR = 0x00ffffff

export function picture(width: number, height: number, bytes: Uint8Array): Picture {
  const copy = Uint8Array.from(bytes)
  return { width, height, pixels: new Uint32Array(copy.buffer).map((p) => p & COLOUR) }
}

/** How two pictures differ, '' if they do not. */
export function difference(got: Picture, want: Picture): string {
  if (got.width !== want.width || got.height !== want.height) {
    return `${got.width}x${got.height}, not ${want.width}x${want.height}`
  }
  let n = 0
  let first = -1
  for (let i = 0; i < want.pixels.length; i++) {
    if (got.pixels[i] === want.pixels[i]) continue
    n++
    if (first < 0) first = i
  }
  return n === 0 ? '' : `${n} pixels, the first at ${first % want.width},${Math.floor(first / want.width)}`
}

/** How many colours a picture has: the chart of the terminal has more than 200, a screen that is not painted yet has one. */
export function colours(p: Picture): number {
  return new Set(p.pixels).size
}
