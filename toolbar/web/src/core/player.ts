import type { Clock } from './clock.js'
import type { ServerFrame, Size } from './frame.js'
import { Refused } from './gateway.js'
import { type Code, parseObject } from './types.js'

/** What there is to play, as POST api/session/{id}/play tells it. Times are milliseconds from the recording's begin. */
export interface Recording {
  assetName: string
  assetURL: string
  protocol: string
  userName: string
  state: 'valid-complete' | 'valid-incomplete' | 'broken'
  live: boolean
  started: number
  duration: number
  /** How far signatures reach. */
  signed: number
  segments: Segment[]
  /** Times in which nothing is to be seen. */
  idle: [number, number][]
  segmentBase: string
}

interface Segment {
  at: number
  /** Playing can begin here. */
  key: boolean
  size: Size | undefined
}

/** A place on a desktop, in its pixels. */
export interface Place {
  x: number
  y: number
}

/** One entry of a recording. */
interface Entry {
  kind: 'frame' | 'pointer' | 'resize' | 'end'
  at: number
  frame?: ServerFrame
  size?: Size | undefined
  /** Where somebody has moved the pointer. */
  place?: Place
  /** It tells again what came before. */
  again: boolean
}

const STATES = ['valid-complete', 'valid-incomplete', 'broken'] as const

/** Reads what there is to play; undefined if it is not that. */
export function parseRecording(text: string): Recording | undefined {
  const o = parseObject(text)
  const session = record(o?.session)
  const state = STATES.find((s) => s === o?.state)
  if (!o || !session || !state || !Array.isArray(o.segments)) return undefined
  const segments: Segment[] = []
  for (const s of o.segments.map(record)) {
    if (!s) return undefined
    segments.push({ at: ms(s.at_ms), key: s.key === true, size: sizeOf(record(s.size)) })
  }
  if (segments[0]) segments[0].key = true
  const idle = (Array.isArray(o.idle) ? o.idle : []).flatMap((v): [number, number][] =>
    Array.isArray(v) ? [[ms(v[0]), ms(v[1])]] : [],
  )
  return {
    assetName: str(session.asset_name),
    assetURL: str(session.asset_url),
    protocol: str(session.protocol),
    userName: str(session.user_name),
    state,
    live: o.live === true,
    started: Date.parse(str(o.started)) || 0,
    duration: ms(o.duration_ms),
    signed: ms(o.signed_ms),
    segments,
    idle,
    segmentBase: str(o.segment_base),
  }
}

const str = (v: unknown): string => (typeof v === 'string' ? v : '')
const ms = (v: unknown): number => (typeof v === 'number' && v >= 0 && v <= 2 ** 32 ? v : 0)
const record = (v: unknown): Record<string, unknown> | undefined =>
  typeof v === 'object' && v !== null ? (v as Record<string, unknown>) : undefined

/** The most columns, rows or pixels of a size that is believed. */
const MAX_SIDE = 16384

function sizeOf(o: Record<string, unknown> | undefined): Size | undefined {
  const side = (v: unknown): number => (typeof v === 'number' && v > 0 && v <= MAX_SIDE ? Math.floor(v) : 0)
  const size = { cols: side(o?.cols), rows: side(o?.rows), width: side(o?.width), height: side(o?.height) }
  return size.cols >= 1 && size.cols <= 1000 && size.rows >= 1 && size.rows <= 1000 ? size : undefined
}

function placeOf(o: Record<string, unknown> | undefined): Place | undefined {
  const side = (v: unknown): v is number => typeof v === 'number' && v >= 0 && v < 2 ** 16
  return side(o?.x) && side(o?.y) ? { x: o.x, y: o.y } : undefined
}

/** The size of a record's head: kind, frame, flags, 0, milliseconds, length. */
const HEAD = 1 + 1 + 1 + 1 + 4 + 4
const FLAG_KEY = 1
const FLAG_REPEAT = 4
const FRAMES: Readonly<Record<number, 'output' | 'screen' | 'cursor'>> = { 16: 'output', 17: 'screen', 18: 'cursor' }

/** Reads a segment (pam/openapi.json). One that is not whole is an error. */
export function parseSegment(bytes: Uint8Array, decode: (b: Uint8Array) => string): Entry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const entries: Entry[] = []
  let at = 0
  while (bytes.length - at >= HEAD) {
    const [kind, length] = [view.getUint8(at), view.getUint32(at + 8)]
    const time = view.getUint32(at + 4)
    if (length > bytes.length - at - HEAD) break
    const data = bytes.subarray(at + HEAD, at + HEAD + length)
    if (kind === 0) return entries
    const name = FRAMES[view.getUint8(at + 1)]
    const flags = view.getUint8(at + 2)
    const again = (flags & FLAG_REPEAT) !== 0
    if (kind === 1 && name) {
      const frame = { kind: name, key: (flags & FLAG_KEY) !== 0, droppable: false, payload: data }
      entries.push({ kind: 'frame', at: time, frame, again })
    } else if (kind === 2) {
      const place = placeOf(parseObject(decode(data)))
      if (place) entries.push({ kind: 'pointer', at: time, place, again })
    } else if (kind === 4) {
      entries.push({ kind: 'resize', at: time, size: sizeOf(parseObject(decode(data))), again })
    } else if (kind === 8) entries.push({ kind: 'end', at: time, again })
    at += HEAD + length
  }
  throw new Error('the segment is not whole')
}

/** What draws a recording. */
export interface Stage {
  write(frame: ServerFrame): Promise<void>
  /** Nothing of what was drawn is to be seen any more. fresh: what comes builds on nothing. */
  reset(size: Size | undefined, fresh: boolean): Promise<void>
  resize(size: Size): void
  /** The pointer is somewhere else. */
  point?(at: Place): void
}

/** Speeds that can be chosen (R2). */
export const SPEEDS = [0.5, 1, 2, 4, 8, 16] as const

/** With idle times skipped, longer ones are cut to this, in milliseconds. */
const IDLE_LEFT = 500
const IDLE_FROM = 2000
/** How many bytes may be on their way to the stage. */
const AHEAD = 1 << 20
/** How many segments are kept. */
const KEPT = 4

/** Player plays one recording on a stage. Its methods may be called at any time; the newest seek counts. */
export class Player {
  speed = 1
  skipIdle = true
  playing = false
  /** It looks for a place, or waits for the gateway. */
  busy = false
  /** Why it cannot go on; empty: it can. */
  fault: Code = ''
  readonly #rec: Recording
  readonly #load: (n: number) => Promise<Uint8Array>
  readonly #decode: (b: Uint8Array) => string
  readonly #stage: Stage
  readonly #clock: Clock
  readonly #changed: () => void
  readonly #segments = new Map<number, Promise<Entry[]>>()
  #turn: Promise<void> = Promise.resolve() // of whoever feeds the stage
  #newest = 0 // of those who want to
  #wake: () => void = () => {}
  #begun = false // the stage shows something of this recording
  #fresh = false // nothing but a key frame
  #segment = 0
  #index = 0 // of the next entry in it
  #fed = 0 // the time of the newest entry on the stage
  #from = { ticks: 0, at: 0 }
  #frozen = true
  #flying: { bytes: number; done: Promise<void> }[] = []
  #bytes = 0

  constructor(
    rec: Recording,
    on: {
      load(n: number): Promise<Uint8Array>
      decode(b: Uint8Array): string
      stage: Stage
      clock: Clock
      changed(): void
    },
  ) {
    this.#rec = rec
    this.#load = on.load
    this.#decode = on.decode
    this.#stage = on.stage
    this.#clock = on.clock
    this.#changed = on.changed
  }

  /** Where it is, in milliseconds. */
  get position(): number {
    const { ticks, at } = this.#from
    if (this.#frozen) return at
    return Math.min(this.#rec.duration, at + (this.#clock.ticks() - ticks) * this.speed)
  }

  get ended(): boolean {
    return this.position >= this.#rec.duration
  }

  play(): void {
    if (this.playing) return
    this.playing = true
    if (this.ended && this.#rec.duration > 0) return this.seek(0)
    this.#go()
  }

  pause(): void {
    this.playing = false
    this.#freeze(this.position)
    this.#go()
  }

  setSpeed(speed: number): void {
    this.#freeze(this.position)
    this.speed = speed
    this.#go()
  }

  setSkipIdle(on: boolean): void {
    this.skipIdle = on
    this.#go()
  }

  /** Shows the picture of a time: from the key frame before it on, as fast as it can be drawn. */
  seek(to: number): void {
    const target = Math.min(this.#rec.duration, Math.max(0, to))
    this.#freeze(target)
    this.busy = true
    this.#take(async (mine) => {
      await this.#show(target, mine)
      if (!mine()) return
      this.busy = false
      this.#changed()
      await this.#run(mine)
    })
  }

  /** Ends it; nothing is drawn any more. */
  stop(): void {
    this.playing = false
    this.#newest++
    this.#wake()
  }

  #go(): void {
    if (this.busy) return this.#changed() // the seek under way goes on as is wanted now
    this.#take((mine) => this.#run(mine))
  }

  /** Lets act feed the stage as soon as whoever does has stopped. mine says whether nobody newer wants to. */
  #take(act: (mine: () => boolean) => Promise<void>): void {
    const me = ++this.#newest
    const mine = (): boolean => me === this.#newest
    this.#wake()
    this.#turn = this.#turn
      .then(() => (mine() ? act(mine) : undefined))
      .catch((err: unknown) => {
        if (!mine()) return
        this.playing = false
        this.busy = false
        this.fault = err instanceof Refused ? err.code : 'unreachable'
        this.#freeze(this.#from.at)
        this.#changed()
      })
    this.#changed()
  }

  async #show(target: number, mine: () => boolean): Promise<void> {
    let key = 0
    this.#rec.segments.forEach((s, i) => {
      if (s.key && s.at <= target) key = i
    })
    const on = this.#begun && target >= this.#fed && key <= this.#segment
    if (!on) {
      this.#begun = true
      this.#fresh = true
      this.#segment = key
      this.#index = 0
      const first = this.#rec.segments[this.#segment]
      this.#fed = first?.at ?? 0
      await this.#drain()
      await this.#stage.reset(first?.size, this.#segment === 0)
    }
    while (mine()) {
      const e = await this.#peek()
      if (!mine()) return
      if (!e || e.at > target) return this.#drain()
      await this.#feed(e)
    }
  }

  async #run(mine: () => boolean): Promise<void> {
    if (!this.playing) return
    if (!this.#begun) await this.#show(this.#from.at, mine)
    this.#thaw()
    while (mine() && this.playing) {
      const e = await this.#peek()
      if (!mine()) return
      const next = e?.at ?? this.#rec.duration
      let wait = next - this.position
      if (this.skipIdle && wait > IDLE_FROM) {
        this.#freeze(next - IDLE_LEFT)
        this.#thaw()
        wait = IDLE_LEFT
      }
      if (wait > 0) await this.#sleep(wait / this.speed)
      else if (e) await this.#feed(e)
      else {
        await this.#drain()
        if (!mine()) return
        this.playing = false
        this.#freeze(this.#rec.duration)
        this.#changed()
      }
    }
  }

  /** The next entry; undefined at the end. The time stands while the gateway is waited for. */
  async #peek(): Promise<Entry | undefined> {
    for (;;) {
      if (this.#segment >= this.#rec.segments.length) return undefined
      const known = this.#segments.has(this.#segment)
      const running = !this.#frozen
      if (!known && running) this.#freeze(this.position)
      const entries = await this.#get(this.#segment)
      if (!known && running) this.#thaw()
      const e = entries[this.#index]
      if (e) {
        if (this.#index === 0 && this.#segment + 1 < this.#rec.segments.length) {
          void this.#get(this.#segment + 1).catch(() => {}) // said when it is needed
        }
        return e
      }
      this.#segment++
      this.#index = 0
    }
  }

  #get(n: number): Promise<Entry[]> {
    const known = this.#segments.get(n)
    if (known) return known
    const got = this.#load(n).then((b) => parseSegment(b, this.#decode))
    this.#segments.set(n, got)
    got.catch(() => this.#segments.delete(n))
    for (const old of this.#segments.keys()) {
      if (this.#segments.size <= KEPT) break
      if (old !== this.#segment && old !== n) this.#segments.delete(old)
    }
    return got
  }

  async #feed(e: Entry): Promise<void> {
    this.#index++
    this.#fed = e.at
    if (!e.again) this.#fresh = false
    else if (!this.#fresh) return // what was drawn up to here stands
    if (e.size) {
      await this.#drain()
      this.#stage.resize(e.size)
    }
    if (e.place) this.#stage.point?.(e.place)
    if (!e.frame) return
    // The stage may take the bytes for itself; the entry is to be played again.
    const frame = { ...e.frame, payload: e.frame.payload.slice() }
    this.#bytes += frame.payload.length
    this.#flying.push({ bytes: frame.payload.length, done: this.#stage.write(frame) })
    while (this.#bytes > AHEAD) await this.#land()
  }

  async #land(): Promise<void> {
    const first = this.#flying.shift()
    if (!first) return
    await first.done
    this.#bytes -= first.bytes
  }

  async #drain(): Promise<void> {
    while (this.#flying.length > 0) await this.#land()
  }

  #freeze(at: number): void {
    this.#from = { ticks: 0, at }
    this.#frozen = true
  }

  #thaw(): void {
    if (this.#frozen) this.#from = { ticks: this.#clock.ticks(), at: this.#from.at }
    this.#frozen = false
  }

  #sleep(time: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(time, resolve)
      this.#wake = () => {
        cancel()
        resolve()
      }
    })
  }
}

/** A time as people read it: 4:05, 1:02:03. */
export function clockTime(at: number): string {
  const s = Math.floor(at / 1000)
  const two = (n: number): string => String(n).padStart(2, '0')
  const [h, m] = [Math.floor(s / 3600), Math.floor(s / 60) % 60]
  return h > 0 ? `${h}:${two(m)}:${two(s % 60)}` : `${m}:${two(s % 60)}`
}
