import type { DecoderName } from './core/decoder.js'
import type { Snapshot, Stats } from './core/stats.js'
import { decoderOf } from './decoder.js'
import { Engine } from './engine.js'
import type { FromWorker, ToWorker } from './messages.js'
import { loadModule } from './module.js'
import { startWorker } from './worker.js'

/** What a view tells. */
export interface ScreenEvents {
  /** There is a new desktop of this size, black as yet. */
  onDesktop(width: number, height: number): void
  /** So many more bytes of payloads are decoded: they may be acknowledged. */
  onConsumed(bytes: number): void
  /** The view is over: what came cannot be taken apart, or the decoder is gone. Told once; nothing follows. */
  onFault(error: string): void
  /** What has been done so far, at most once a second. */
  onStats?(stats: Stats): void
}

/** How a view decodes. The zero value is the fastest way that the page allows. */
export interface ScreenOptions {
  /** false: on the page's own thread. */
  worker?: boolean
  /** false: in TypeScript alone. */
  wasm?: boolean
}

type Request =
  | { type: 'stats'; resolve: (stats: Stats) => void }
  | { type: 'snapshot'; resolve: (shot: Snapshot) => void }

/**
 * ScreenView shows a desktop on a canvas, from payloads of kind `screen` (pam/PROTOCOL.md). It decodes in a Worker, or on the page's own
 * thread where the page or the browser gives it none. The canvas is the view's for good: one that has moved to a Worker does not come back.
 * What a payload holds never throws. The canvas's own size is not set where a Worker draws: onDesktop tells it.
 */
export class ScreenView {
  /** Which decoder it is, once that is settled. Payloads need not wait for it. */
  readonly ready: Promise<DecoderName>
  readonly #canvas: HTMLCanvasElement
  readonly #events: ScreenEvents
  readonly #options: ScreenOptions
  readonly #asked = new Map<number, Request>()
  #settle: (decoder: DecoderName) => void = () => {}
  #worker: Worker | undefined
  #engine: Engine | undefined
  #waiting: Uint8Array[] | undefined = [] // until something decodes
  #requests: (() => void)[] = []
  #ids = 0
  #over = false

  constructor(canvas: HTMLCanvasElement, events: ScreenEvents, options: ScreenOptions = {}) {
    this.#canvas = canvas
    this.#events = events
    this.#options = options
    this.ready = new Promise((resolve) => {
      this.#settle = resolve
    })
    if (options.worker === false || typeof canvas.transferControlToOffscreen !== 'function') this.#onPage()
    else this.#start()
  }

  /** Takes a payload. Its bytes may be used again by the caller, unless they are all of their buffer: then they move to the Worker. */
  push(payload: Uint8Array): void {
    if (this.#over) return
    if (this.#waiting) this.#waiting.push(payload.slice())
    else this.#pass(payload)
  }

  /** What the canvas shows, once all that was pushed before is drawn; empty before the first desktop. */
  snapshot(): Promise<Snapshot> {
    return new Promise((resolve) => this.#ask({ type: 'snapshot', resolve }))
  }

  /** What has been done, once all that was pushed before is drawn. */
  stats(): Promise<Stats> {
    return new Promise((resolve) => this.#ask({ type: 'stats', resolve }))
  }

  /** Ends the view; what was asked for and not answered never is. */
  close(): void {
    this.#over = true
    this.#waiting = undefined
    this.#requests = []
    this.#worker?.terminate()
    this.#engine?.close()
  }

  /** Starts the Worker. Only once it runs the canvas moves to it: until then the page can do without. */
  #start(): void {
    let worker: Worker
    try {
      worker = startWorker()
    } catch {
      this.#onPage()
      return
    }
    this.#worker = worker
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#hear(data)
    worker.onmessageerror = () => this.#fail('a message of the screen’s worker cannot be read')
    worker.onerror = (event) => {
      event.preventDefault()
      if (this.#waiting && !this.#over) {
        worker.terminate()
        this.#worker = undefined
        this.#onPage()
      } else this.#fail(event.message || 'the screen’s worker is gone')
    }
  }

  #onPage(): void {
    try {
      this.#engine = new Engine(this.#canvas, 'page', {
        desktop: (width, height) => this.#events.onDesktop(width, height),
        consumed: (bytes) => this.#events.onConsumed(bytes),
        fault: (text) => this.#fail(text),
        stats: (stats) => this.#events.onStats?.(stats),
      })
    } catch (err) {
      queueMicrotask(() => this.#fail(String(err))) // not within the constructor
      return
    }
    void this.#module()
      .then(decoderOf)
      .then((decoder) => {
        this.#engine?.use(decoder)
        this.#settle(decoder.name)
      })
    this.#begin()
  }

  #module(): Promise<WebAssembly.Module | null> {
    return this.#options.wasm === false ? Promise.resolve(null) : loadModule()
  }

  /** Passes on what came before there was anyone to take it. */
  #begin(): void {
    const waiting = this.#waiting ?? []
    this.#waiting = undefined
    for (const payload of waiting) this.#pass(payload)
    for (const ask of this.#requests.splice(0)) ask()
  }

  #pass(payload: Uint8Array): void {
    const whole = payload.byteLength === payload.buffer.byteLength
    const own = whole ? payload : payload.slice() // what else is in its buffer stays the caller's
    if (this.#worker) this.#worker.postMessage({ type: 'payload', payload: own } satisfies ToWorker, [own.buffer])
    else this.#engine?.push(own)
  }

  #ask(request: Request): void {
    if (this.#over) return
    if (this.#waiting) {
      this.#requests.push(() => this.#ask(request))
      return
    }
    if (this.#worker) {
      const id = ++this.#ids
      this.#asked.set(id, request)
      this.#worker.postMessage({ type: request.type, id } satisfies ToWorker)
    } else if (request.type === 'stats') void this.#engine?.stats().then(request.resolve)
    else void this.#engine?.snapshot().then(request.resolve)
  }

  #hear(message: FromWorker): void {
    if (this.#over) return
    switch (message.type) {
      case 'hello': {
        const canvas = this.#canvas.transferControlToOffscreen()
        this.#worker?.postMessage({ type: 'canvas', canvas } satisfies ToWorker, [canvas])
        void this.#module().then((module) => this.#worker?.postMessage({ type: 'module', module } satisfies ToWorker))
        this.#begin()
        break
      }
      case 'ready':
        this.#settle(message.decoder)
        break
      case 'desktop':
        this.#events.onDesktop(message.width, message.height)
        break
      case 'consumed':
        this.#events.onConsumed(message.bytes)
        break
      case 'fault':
        this.#fail(message.text)
        break
      case 'stats': {
        const asked = message.id === undefined ? undefined : this.#take(message.id)
        if (asked?.type === 'stats') asked.resolve(message.stats)
        else this.#events.onStats?.(message.stats)
        break
      }
      case 'snapshot': {
        const asked = this.#take(message.id)
        if (asked?.type === 'snapshot') asked.resolve(message.snapshot)
        break
      }
      default:
        message satisfies never
    }
  }

  #take(id: number): Request | undefined {
    const asked = this.#asked.get(id)
    this.#asked.delete(id)
    return asked
  }

  #fail(error: string): void {
    if (this.#over) return
    this.close()
    this.#events.onFault(error)
  }
}
