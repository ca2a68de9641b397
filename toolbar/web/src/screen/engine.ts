import { channelScheduler } from '../term/pump.js'
import { Damage } from './core/damage.js'
import { type Decoder, TypeScriptDecoder } from './core/decoder.js'
import { Frames } from './core/frames.js'
import { Picture } from './core/picture.js'
import type { Snapshot, Stats } from './core/stats.js'
import { countPresents, UnitError, Units } from './core/units.js'

/** What an engine draws on: a canvas of either kind. */
export type Surface = HTMLCanvasElement | OffscreenCanvas
type Context = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D

/** A payload that waits; begins: a frame begins with it. */
interface Waiting {
  payload: Uint8Array
  begins: boolean
}

/** What an engine tells. */
export interface EngineEvents {
  desktop(width: number, height: number): void
  /** So many more bytes are decoded. */
  consumed(bytes: number): void
  /** The view is over: what came cannot be taken apart. */
  fault(text: string): void
  stats(stats: Stats): void
}

/** How long one slice of work may take, in milliseconds: on the page, keys are to be heard in between. */
const SLICE = { worker: 60, page: 12 }
/** Statistics are told at most this often, in milliseconds. */
const TOLD = 1000

/**
 * Engine decodes payloads in order and shows what they present. Work is cut into slices by messages, never by animation frames or timers,
 * which stop in a tab that is covered.
 */
export class Engine {
  readonly #events: EngineEvents
  readonly #surface: Surface
  readonly #context: Context
  readonly #picture: Picture
  readonly #damage = new Damage()
  readonly #scheduler = channelScheduler()
  readonly #stats: Stats
  readonly #frames = new Frames()
  readonly #queue: (Waiting | (() => void))[] = []
  #units: Units | undefined // what is left of the first payload in the queue
  #image: ImageData | undefined
  #scheduled = false
  #over = false
  #told = 0
  #mark = 0 // the end of what was drawn or shown last

  constructor(surface: Surface, thread: 'worker' | 'page', events: EngineEvents) {
    this.#surface = surface
    this.#events = events
    const context = surface.getContext('2d', { alpha: false }) as Context | null
    if (!context) throw new Error('the canvas has no 2d context')
    this.#context = context
    this.#stats = {
      decoder: 'typescript',
      thread,
      payloads: 0,
      bytes: 0,
      frames: 0,
      dropped: 0,
      faults: 0,
      lastFault: '',
      tiles: {},
      codecMs: {},
      decodeMs: 0,
      showMs: 0,
    }
    const stats = this.#stats
    this.#picture = new Picture(new TypeScriptDecoder(), {
      desktop: (width, height) => this.#resize(width, height),
      drawn: (x, y, w, h) => this.#damage.add(x, y, w, h),
      present: () => this.#present(),
      tile: (codec) => {
        const now = performance.now()
        stats.tiles[codec] = (stats.tiles[codec] ?? 0) + 1
        stats.codecMs[codec] = (stats.codecMs[codec] ?? 0) + now - this.#mark
        this.#mark = now
      },
      fault: (text) => {
        stats.faults++
        stats.lastFault = text
      },
    })
  }

  /** Decodes with this from now on. */
  use(decoder: Decoder): void {
    this.#picture.use(decoder)
    this.#stats.decoder = decoder.name
  }

  /** Takes a payload, which is the engine's from now on. */
  push(payload: Uint8Array): void {
    if (this.#over) return
    this.#add({ payload, begins: this.#frames.came(countPresents(payload), performance.now()) })
  }

  /** What has been done once all that was pushed before is drawn. */
  stats(): Promise<Stats> {
    return new Promise((resolve) => this.#add(() => resolve(this.#counted())))
  }

  /** What is on the canvas once all that was pushed before is drawn. */
  snapshot(): Promise<Snapshot> {
    return new Promise((resolve) => {
      this.#add(() => {
        const { width, height } = this.#picture
        const empty = width === 0
        const pixels = empty ? new Uint8ClampedArray(0) : this.#context.getImageData(0, 0, width, height).data
        resolve({ width, height, pixels: pixels as Uint8ClampedArray })
      })
    })
  }

  close(): void {
    this.#over = true
    this.#queue.length = 0
    this.#scheduler.close()
  }

  #add(work: Waiting | (() => void)): void {
    this.#queue.push(work)
    this.#wake()
  }

  #wake(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    this.#scheduler.schedule(() => {
      this.#scheduled = false
      this.#work()
    })
  }

  #work(): void {
    const begin = performance.now()
    this.#mark = begin
    const until = begin + SLICE[this.#stats.thread]
    const shownBefore = this.#stats.showMs
    const enough = () => performance.now() >= until
    let done = 0
    let bytes = 0
    for (; done < this.#queue.length && (done === 0 || !enough()); done++) {
      const work = this.#queue[done] as Waiting | (() => void)
      if (typeof work === 'function') work()
      else if (this.#draw(work, enough)) bytes += work.payload.length
      else break
    }
    this.#queue.splice(0, done)
    const end = performance.now()
    this.#stats.decodeMs += end - begin - (this.#stats.showMs - shownBefore)
    if (bytes > 0) this.#events.consumed(bytes)
    if (end - this.#told >= TOLD) {
      this.#told = end
      this.#events.stats(this.#counted())
    }
    if (this.#queue.length > 0) this.#wake()
  }

  /** Draws the first payload, or what is left of it; false if there is still more of it, or if the view is over. */
  #draw({ payload, begins }: Waiting, enough: () => boolean): boolean {
    try {
      if (!this.#units) {
        this.#units = new Units(payload)
        if (begins) this.#frames.next()
      }
      if (!this.#picture.draw(this.#units, enough)) return false
      this.#units = undefined
      this.#stats.payloads++
      this.#stats.bytes += payload.length
      return true
    } catch (err) {
      this.close()
      this.#events.fault(err instanceof UnitError ? err.message : String(err))
      return false
    }
  }

  #resize(width: number, height: number): void {
    this.#surface.width = width
    this.#surface.height = height
    this.#damage.resize(width, height)
    this.#events.desktop(width, height)
  }

  /** The picture's pixels, which move when the decoder takes more memory. */
  #pixels(): ImageData {
    const { pix, width, height } = this.#picture
    if (this.#image?.data.buffer !== pix.buffer || this.#image.width !== width || this.#image.height !== height) {
      const bytes = new Uint8ClampedArray(pix.buffer as ArrayBuffer, pix.byteOffset, pix.byteLength)
      this.#image = new ImageData(bytes, width, height)
    }
    return this.#image
  }

  #present(): void {
    const now = performance.now()
    if (!this.#frames.due(now) || this.#picture.width === 0) return
    const image = this.#pixels()
    for (const r of this.#damage.take()) this.#context.putImageData(image, 0, 0, r.x, r.y, r.w, r.h)
    this.#mark = performance.now()
    this.#frames.done(this.#mark)
    this.#stats.showMs += this.#mark - now
  }

  #counted(): Stats {
    const { shown, dropped } = this.#frames
    return { ...structuredClone(this.#stats), frames: shown, dropped }
  }
}
