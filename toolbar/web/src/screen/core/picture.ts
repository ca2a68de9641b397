import { CODECS, type Decoder } from './decoder.js'
import { TILE } from './rfxtile.js'
import { RLGR1, RLGR3 } from './rlgr.js'
import { OPAQUE, Scratch, sizeFault, type Target } from './target.js'
import type { Rect, Unit, Units } from './units.js'

/** What happens while a payload is drawn. */
export interface PictureEvents {
  /** A black desktop of this size. */
  desktop(width: number, height: number): void
  /** A part of the desktop has changed. */
  drawn(x: number, y: number, w: number, h: number): void
  /** What came so far belongs together. */
  present(): void
  /** A unit was drawn, by the codec of this name. */
  tile(codec: CodecName): void
  /** A unit cannot be drawn: its rectangle stays as it is. */
  fault(text: string): void
}

/** The codecs as statistics name them. */
export type CodecName = keyof typeof CODECS | 'remotefx'

const names = new Map<number, CodecName>(Object.entries(CODECS).map(([name, id]) => [id, name as keyof typeof CODECS]))

/** A desktop as pixels: what payloads draw. */
export class Picture {
  width = 0
  height = 0
  #decoder: Decoder
  readonly #events: PictureEvents
  readonly #scratch = new Scratch()
  readonly #tile: Target = { pix: new Uint32Array(TILE * TILE), at: 0, stride: TILE, w: TILE, h: TILE }

  constructor(decoder: Decoder, events: PictureEvents) {
    decoder.desktop(0)
    this.#decoder = decoder
    this.#events = events
  }

  /** The pixels, for the moment: the next payload may move them. */
  get pix(): Uint32Array {
    return this.#decoder.pix
  }

  /** Decodes with another decoder from now on. */
  use(decoder: Decoder): void {
    const { pix } = this
    decoder.desktop(pix.length)
    decoder.pix.set(pix)
    this.#decoder = decoder
  }

  /**
   * Draws the units of a payload until there are no more, or until enough says so, which is asked after each: false then. Throws UnitError where
   * it is no sequence of units: what came before that is drawn.
   */
  draw(units: Units, enough: () => boolean): boolean {
    for (let unit = units.next(); unit; unit = units.next()) {
      try {
        this.#draw(unit)
      } catch (err) {
        this.#events.fault(String(err)) // no memory, or a fault of ours: it costs one unit
      }
      if (enough()) return false
    }
    return true
  }

  #draw(unit: Unit): void {
    switch (unit.kind) {
      case 'desktop':
        this.#desktop(unit.width, unit.height)
        break
      case 'tile':
        this.#drawTile(unit)
        break
      case 'remotefx':
        this.#drawRemoteFX(unit)
        break
      case 'present':
        this.#events.present()
        break
      default:
        unit satisfies never
    }
  }

  #desktop(width: number, height: number): void {
    const fault = sizeFault(width, height)
    if (fault) {
      this.#events.fault(`desktop: ${fault}`)
      return
    }
    this.#decoder.desktop(width * height)
    this.pix.fill(OPAQUE)
    this.width = width
    this.height = height
    this.#events.desktop(width, height)
    this.#events.drawn(0, 0, width, height)
  }

  /** Cuts a rectangle to the desktop; undefined if nothing is left. */
  #visible(r: Rect): Rect | undefined {
    const w = Math.min(r.w, this.width - r.x)
    const h = Math.min(r.h, this.height - r.y)
    return w > 0 && h > 0 ? { x: r.x, y: r.y, w, h } : undefined
  }

  /** Decodes straight into the picture where nothing of the unit is cut. */
  #drawTile(unit: Unit & { kind: 'tile' }): void {
    const part = this.#visible(unit.rect)
    if (!part) return
    const { codec, width, height, picture } = unit
    let fault = sizeFault(width, height)
    if (fault) {
      this.#events.fault(fault)
      return
    }
    const at = part.y * this.width + part.x
    if (part.w === width && part.h === height) {
      fault = this.#decoder.decode(codec, picture, { pix: this.pix, at, stride: this.width, w: width, h: height })
    } else {
      const whole = { pix: this.#scratch.u32(width * height), at: 0, stride: width, w: width, h: height }
      fault = this.#decoder.decode(codec, picture, whole)
      if (!fault) this.#copy(whole, 0, 0, part)
    }
    if (fault) {
      this.#events.fault(fault)
      return
    }
    this.#events.tile(names.get(codec) as CodecName)
    this.#events.drawn(part.x, part.y, part.w, part.h)
  }

  #drawRemoteFX(unit: Unit & { kind: 'remotefx' }): void {
    const { x, y, clips, tile } = unit
    if (tile.entropy !== RLGR1 && tile.entropy !== RLGR3) {
      this.#events.fault(`remotefx: entropy coding ${tile.entropy}`)
      return
    }
    const whole = this.#visible({ x, y, w: TILE, h: TILE })
    if (!whole) return
    if (clips.length === 0 && whole.w === TILE && whole.h === TILE) {
      const fault = this.#decoder.tile(tile, {
        pix: this.pix,
        at: y * this.width + x,
        stride: this.width,
        w: TILE,
        h: TILE,
      })
      if (fault) {
        this.#events.fault(fault)
        return
      }
      this.#events.drawn(x, y, TILE, TILE)
    } else {
      const fault = this.#decoder.tile(tile, this.#tile)
      if (fault) {
        this.#events.fault(fault)
        return
      }
      for (const c of clips.length > 0 ? clips : [{ x: 0, y: 0, w: TILE, h: TILE }]) {
        const part = this.#visible({ x: x + c.x, y: y + c.y, w: c.w, h: c.h })
        if (!part) continue
        this.#copy(this.#tile, c.x, c.y, part)
        this.#events.drawn(part.x, part.y, part.w, part.h)
      }
    }
    this.#events.tile('remotefx')
  }

  /** Copies the pixels from x, y of a decoded picture to a part of the desktop. */
  #copy(from: Target, x: number, y: number, to: Rect): void {
    for (let row = 0; row < to.h; row++) {
      const at = (y + row) * from.stride + x
      this.pix.set(from.pix.subarray(at, at + to.w), (to.y + row) * this.width + to.x)
    }
  }
}
