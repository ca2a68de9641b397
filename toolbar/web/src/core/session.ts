import { countPresents } from '../screen/core/units.js'
import { Backoff } from './backoff.js'
import type { Clock } from './clock.js'
import { Flow } from './flow.js'
import {
  ackFrame,
  clientFrame,
  counted,
  keyFrames,
  listenFrame,
  MAX_PAYLOAD,
  pasteFrame,
  resizeFrame,
  type ServerFrame,
  type Size,
  splitMessage,
  visibleFrame,
} from './frame.js'
import { type Gateway, Refused, type SessionInfo, type Socket, type Text } from './gateway.js'
import { Lag, presses } from './lag.js'
import { Probe } from './probe.js'
import { type Code, type End, mayUse, type Notice, parseEnd, parseNotice, parseState, type State } from './types.js'

/** What a session page shows. */
export type Phase =
  | { kind: 'opening' }
  | { kind: 'live'; state: State }
  /** The connection was lost; attempts go on until the deadline. at: when the next one is made, 0 while one runs. */
  | { kind: 'lost'; state: State | undefined; attempt: number; at: number; since: number; deadline: number }
  | { kind: 'closed'; end: End; state: State | undefined; info: SessionInfo | undefined }

/** What a session needs of the page around it. */
export interface Host {
  changed(phase: Phase): void
  /** Makes what draws the session, before the first hello tells its size. */
  prepare(info: SessionInfo): Promise<void>
  /** Takes output of the target; resolved when it has been parsed or decoded. */
  output(frame: ServerFrame): Promise<void>
  notice(notice: Notice): void
  /** The present size of the terminal. */
  size(): Size
}

/** Session's surroundings. */
export interface SessionConfig {
  gateway: Gateway
  host: Host
  clock: Clock
  text: Text
  random: () => number
}

/** Codes after which the page may attach again by itself. */
const again: ReadonlySet<Code> = new Set([
  'ticket_invalid',
  'viewer_too_slow',
  'rate_limited',
  'internal',
  'shutting_down',
])

/** How long to wait for the gateway's first state after a hello, in milliseconds. */
const FIRST_STATE = 20_000

/** Seconds for which to try if no state has said how long the session waits. */
const DEFAULT_WINDOW = 60

/** What becomes of text that is to be pasted. */
export type PasteResult = 'sent' | 'denied' | 'too_large' | 'not_live' | 'empty'

/**
 * Session is one page's view of a session: it attaches, keeps attached, and says what to show. Input that cannot be
 * delivered now is dropped, never queued: what was typed at a frozen picture must not run later.
 */
export class Session {
  #phase: Phase = { kind: 'opening' }
  #state: State | undefined
  #socket: Socket | undefined
  #flow: Flow | undefined
  #cancelTimer: (() => void) | undefined
  #cancelDeadline: (() => void) | undefined
  #generation = 0 // of the present attempt: what older ones report is ignored
  #visible = true
  #received = 0
  readonly #probe: Probe
  readonly #lag: Lag
  #listens = false
  readonly #backoff: Backoff
  readonly #cfg: SessionConfig

  constructor(cfg: SessionConfig) {
    this.#cfg = cfg
    this.#backoff = new Backoff({ first: 1000, max: 10_000, random: cfg.random })
    this.#probe = new Probe(cfg.clock, (payload) => {
      if (this.#phase.kind !== 'live' || !this.#socket) return false
      this.#socket.send(clientFrame('probe', payload))
      return true
    })
    this.#lag = new Lag(cfg.clock, () => this.#probe.now())
  }

  get phase(): Phase {
    return this.#phase
  }

  /** The last state that the gateway sent. */
  get state(): State | undefined {
    return this.#state
  }

  /** Bytes that the gateway has sent so far, over all connections. */
  get received(): number {
    return this.#received
  }

  /** Milliseconds to the gateway and back, while they are measured. */
  get roundTrip(): number | undefined {
    return this.#probe.trip
  }

  /** Milliseconds from input to picture, while they are measured (Lag). */
  get inputToPicture(): number | undefined {
    return this.#lag.ms
  }

  /** Begins or ends to measure the way to the gateway, and of a desktop the time from input to picture. */
  measure(on: boolean): void {
    this.#probe.run(on)
    this.#lag.run(on)
  }

  /** Attaches: at first, and to take the session back from another page. */
  start(): void {
    this.#drop()
    this.#backoff.reset()
    this.#set({ kind: 'opening' })
    void this.#attach(true)
  }

  /** Ends this page's part without a word to the gateway: the page goes. */
  stop(): void {
    this.measure(false)
    this.#drop()
  }

  /** Makes the next attempt at once. */
  tryNow(): void {
    if (this.#phase.kind !== 'lost' || this.#phase.at === 0) return
    this.#cancelTimer?.()
    this.#retry(this.#phase.attempt)
  }

  /** Ends the session; a joiner leaves it. */
  disconnect(): void {
    if (this.#phase.kind === 'closed') return
    if (this.#phase.kind === 'live' && this.#socket) {
      this.#socket.send(clientFrame('disconnect', new Uint8Array(0)))
      return
    }
    const leave = (): void => this.#close(ended('user_disconnect'))
    this.#drop()
    this.#cfg.gateway.end().then(leave, leave)
  }

  /** Sends keyboard input. */
  key(input: Uint8Array): void {
    if (!this.#takesInput('keyboard')) return
    for (const message of keyFrames(input)) this.#socket?.send(message)
    if (presses('key', input)) this.#lag.pressed()
  }

  /** Sends events of the mouse. */
  pointer(events: Uint8Array): void {
    if (!this.#takesInput('keyboard')) return
    this.#socket?.send(clientFrame('pointer', events))
    if (presses('pointer', events)) this.#lag.pressed()
  }

  /** What would become of a text that is pasted now. */
  canPaste(text: string): PasteResult {
    if (text === '') return 'empty'
    if (this.#state && !mayUse(this.#state, 'clipboard_upload')) return 'denied'
    if (!this.#takesInput('clipboard_upload')) return 'not_live'
    return this.#cfg.text.encode(text).length > MAX_PAYLOAD ? 'too_large' : 'sent'
  }

  /** Sends text from the clipboard. */
  paste(text: string, bracketed: boolean): PasteResult {
    const result = this.canPaste(text)
    if (result === 'sent') this.#socket?.send(pasteFrame(this.#cfg.text.encode(text), bracketed))
    return result
  }

  /** Tells what the user copied out of the terminal, where that is recorded. */
  copied(text: string): void {
    if (text === '' || this.#state?.capabilities.clipboard_download !== 'record' || this.#phase.kind !== 'live') return
    const bytes = this.#cfg.text.encode(text)
    for (let at = 0; at < bytes.length; ) {
      let end = Math.min(bytes.length, at + MAX_PAYLOAD)
      while (end < bytes.length && end > at + 1 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end-- // not inside a character
      this.#socket?.send(clientFrame('copied', bytes.subarray(at, end)))
      at = end
    }
  }

  /** Sends the terminal's size. */
  resize(size: Size): void {
    if (this.#phase.kind === 'live' && this.#state?.mode === 'owner') this.#socket?.send(resizeFrame(size))
  }

  /** Keeps how the owner has made the session look, for a reload and the next launch (L8). Nothing depends on it. */
  display(params: Record<string, string>): void {
    if (this.#state?.mode !== 'owner' || this.#phase.kind === 'closed') return
    this.#cfg.gateway.display(params).catch(() => {})
  }

  /** Tells whether the page can be seen. */
  visible(visible: boolean): void {
    this.#visible = visible
    if (this.#flow) {
      this.#flow.hidden = !visible
      this.#flow.flush()
    }
    if (this.#phase.kind === 'live') this.#socket?.send(visibleFrame(visible))
    if (visible) this.tryNow()
  }

  /** Tells whether the page plays sound: none comes to one that has not said so. */
  listens(listens: boolean): void {
    if (listens === this.#listens) return
    this.#listens = listens
    if (this.#phase.kind === 'live') this.#socket?.send(listenFrame(listens))
  }

  #takesInput(declaration: string): boolean {
    return this.#phase.kind === 'live' && this.#state?.state === 'active' && mayUse(this.#state, declaration)
  }

  async #attach(first: boolean): Promise<void> {
    const generation = ++this.#generation
    const current = (): boolean => generation === this.#generation
    const { gateway } = this.#cfg
    try {
      if (first) {
        const info = await gateway.session()
        if (!current()) return
        if (info.completed) return this.#close(endOf(info), info)
        await this.#cfg.host.prepare(info)
        if (!current()) return
      }
      const ticket = await gateway.attach()
      if (!current()) return
      this.#connect(ticket.ticket, ticket.socket, generation)
    } catch (err) {
      if (current()) await this.#refused(err, generation)
    }
  }

  async #refused(err: unknown, generation: number): Promise<void> {
    if (!(err instanceof Refused) || again.has(err.code)) return this.#lost()
    const end = ended(err.code, err.text)
    if (err.code !== 'session_ended') return this.#close(end)
    let info: SessionInfo | undefined
    try {
      info = await this.#cfg.gateway.session()
    } catch {
      // The code alone has to do.
    }
    if (generation === this.#generation) this.#close(info?.completed ? endOf(info) : end, info)
  }

  #connect(ticket: string, address: string, generation: number): void {
    const current = (): boolean => generation === this.#generation
    const { clock, gateway, host, text } = this.#cfg
    const flow = new Flow(clock, (total) => {
      if (current()) this.#socket?.send(ackFrame(total))
    })
    flow.hidden = !this.#visible
    this.#flow = flow
    this.#cancelTimer = clock.after(FIRST_STATE, () => {
      if (current()) this.#lost()
    })
    this.#socket = gateway.connect(
      { ticket, socket: address },
      {
        opened: () => {
          if (!current()) return
          const { cols, rows, width, height } = host.size()
          this.#socket?.send(clientFrame('hello', text.encode(JSON.stringify({ ticket, cols, rows, width, height }))))
        },
        message: (bytes) => {
          if (current()) this.#message(bytes, flow, current)
        },
        closed: (code) => {
          if (!current()) return
          if (code === '' || again.has(code)) this.#lost()
          else this.#close(ended(code))
        },
      },
    )
  }

  #message(bytes: Uint8Array, flow: Flow, current: () => boolean): void {
    this.#received += bytes.length
    let frames: ServerFrame[]
    try {
      frames = splitMessage(bytes)
    } catch {
      return this.#close(ended('protocol_violation'))
    }
    for (const frame of frames) {
      if (!current()) return
      this.#frame(frame, flow, current)
    }
  }

  #frame(frame: ServerFrame, flow: Flow, current: () => boolean): void {
    const { host, text } = this.#cfg
    switch (frame.kind) {
      case 'state':
        return this.#newState(parseState(text.decode(frame.payload)), flow)
      case 'end':
        return this.#close(parseEnd(text.decode(frame.payload)), undefined, true)
      case 'notice': {
        const notice = parseNotice(text.decode(frame.payload))
        if (notice) host.notice(notice)
        return
      }
      case 'probed':
        return this.#lag.answered(this.#probe.answered(frame.payload))
      case 'output':
      case 'screen':
      case 'cursor':
      case 'clipboard':
      case 'audio': {
        if (!counted(frame.kind)) return
        const done = (): void => {
          if (current()) flow.consume(frame.payload.length)
        }
        const drawn = frame.kind === 'screen' && countPresents(frame.payload) > 0 ? this.#lag.picture() : undefined
        host.output(frame).then(() => {
          done()
          drawn?.()
        }, done) // what cannot be shown is consumed as well: the target must not hang
        return
      }
      default:
        frame.kind satisfies never
    }
  }

  #newState(state: State | undefined, flow: Flow): void {
    if (!state) return this.#close(ended('protocol_violation'))
    const first = this.#phase.kind !== 'live'
    const listened = this.#listens // what changes while the new phase is told is sent then
    flow.every = state.ack
    this.#state = state
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    this.#cancelDeadline?.()
    this.#cancelDeadline = undefined
    this.#backoff.reset()
    this.#set({ kind: 'live', state })
    if (first && !this.#visible) this.#socket?.send(visibleFrame(false))
    if (first && listened && this.#listens) this.#socket?.send(listenFrame(true))
  }

  #lost(): void {
    const { clock } = this.#cfg
    const now = clock.now()
    const was = this.#phase
    this.#dropSocket()
    const wait = this.#backoff.next()
    const attempt = this.#backoff.attempts
    const since = was.kind === 'lost' ? was.since : now
    const window = (this.#state?.reconnectWindow ?? DEFAULT_WINDOW) * 1000
    const deadline = since + window
    if (now >= deadline) return this.#close(ended('network_lost'))
    this.#cancelDeadline ??= clock.after(window, () => {
      this.#cancelDeadline = undefined
      if (this.#phase.kind === 'lost') this.#close(ended('network_lost'))
    })
    if (wait === 0) return this.#retry(attempt, since, deadline)
    this.#set({ kind: 'lost', state: this.#state, attempt, at: now + wait, since, deadline })
    this.#cancelTimer = clock.after(wait, () => this.#retry(attempt))
  }

  #retry(attempt: number, since?: number, deadline?: number): void {
    const p = this.#phase
    this.#cancelTimer = undefined
    this.#set({
      kind: 'lost',
      state: this.#state,
      attempt,
      at: 0,
      since: since ?? (p.kind === 'lost' ? p.since : this.#cfg.clock.now()),
      deadline: deadline ?? (p.kind === 'lost' ? p.deadline : this.#cfg.clock.now()),
    })
    void this.#attach(false)
  }

  #close(end: End, info?: SessionInfo, byGateway = false): void {
    const state = this.#state
    this.#drop(byGateway)
    this.#set({ kind: 'closed', end, state, info })
  }

  #dropSocket(ended = false): void {
    this.#generation++
    this.#probe.lost()
    this.#lag.lost()
    this.#flow?.stop()
    this.#flow = undefined
    this.#socket?.close(ended)
    this.#socket = undefined
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
  }

  #drop(ended = false): void {
    this.#dropSocket(ended)
    this.#cancelDeadline?.()
    this.#cancelDeadline = undefined
  }

  #set(phase: Phase): void {
    this.#phase = phase
    this.#cfg.host.changed(phase)
  }
}

function ended(code: Code, text = ''): End {
  return { code, reason: '', text, signal: '', started: '', ended: '' }
}

function endOf(info: SessionInfo): End {
  return {
    ...ended(info.code || info.reason || 'session_ended'),
    reason: info.reason,
    started: info.created,
    ended: info.ended,
  }
}
