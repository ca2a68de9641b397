// The messages of pam/PROTOCOL.md, read with care: whatever has not the right type becomes a harmless default.
import { type Expiry, parseExpiry } from './expiry.js'

/** Why something was refused or ended: the closed set of pam/code.go. A newer gateway may know more. */
export type Code = string

/** What a declaration permits. What is missing is denied. */
export type Effect = 'allow' | 'record'

/** Declarations by name. */
export type Capabilities = Readonly<Record<string, Effect>>

/** Someone who is in a session. */
export interface Person {
  name: string
  mode: string
  self: boolean
  /** No page of that person is attached. */
  away: boolean
}

/** What will end the session before long, unless (idle) somebody uses it. */
export interface Ends {
  code: Code
  /** Seconds from the time of the message. */
  after: number
}

/** How far a session has got that is not yet active. */
export type Step = '' | 'recording' | 'signing_in' | 'first_picture'

/** The whole view of a session. Each one replaces the former one. */
export interface State {
  session: string
  participant: string
  mode: 'owner' | 'participate' | 'monitor'
  asset: { id: string; name: string; protocol: string; os: string; url: string }
  state: 'launching' | 'connecting' | 'active' | 'suspended' | 'reconnecting' | 'ending'
  step: Step
  recorded: boolean
  ends?: Ends
  capabilities: Capabilities
  people: Person[]
  params: Record<string, string>
  started: string
  now: string
  /** The end of the approved time; missing: no approval ends the session. */
  expires?: Expiry
  /** Bytes that the gateway sends beyond the last acknowledgement. */
  window: number
  /** Bytes after which an acknowledgement is due. */
  ack: number
  /** Seconds for which a lost session waits. */
  reconnectWindow: number
  /** The gateway's own name, '' if it has none. */
  gateway: string
}

/** The end of a session, or of this view of it. */
export interface End {
  code: Code
  reason: string
  text: string
  status?: number
  signal: string
  started: string
  ended: string
}

/** What a refusal says about trying again. */
export interface Again {
  /** Seconds to wait; 0: not said. */
  after: number
  /** Of mfa_invalid: tokens that may still be tried, and how many seconds the lock after them lasts. */
  tries?: { left: number; lock: number }
}

/** Something the people in a session should know. */
export interface Notice {
  code: string
  text: string
}

type Json = Record<string, unknown>

const isObject = (v: unknown): v is Json => typeof v === 'object' && v !== null && !Array.isArray(v)
const str = (v: unknown): string => (typeof v === 'string' ? v : '')
const num = (v: unknown, fallback: number): number => (typeof v === 'number' && Number.isFinite(v) ? v : fallback)
const oneOf = <T extends string>(v: unknown, all: readonly T[], fallback: T): T => all.find((a) => a === v) ?? fallback

/** Parses a JSON object. Anything else is undefined. */
export function parseObject(text: string): Json | undefined {
  try {
    const v: unknown = JSON.parse(text)
    return isObject(v) ? v : undefined
  } catch {
    return undefined
  }
}

/** Declarations that permit; what the gateway says in words of the future counts as denied. */
export function capabilities(v: unknown): Capabilities {
  const out: Record<string, Effect> = Object.create(null)
  if (isObject(v)) {
    for (const [name, effect] of Object.entries(v)) if (effect === 'allow' || effect === 'record') out[name] = effect
  }
  return out
}

/** What a refusal says about trying again: seconds of the header Retry-After, and the member tries of the error. */
export function parseAgain(after: string | null, tries: unknown): Again {
  const again: Again = { after: Math.min(86_400, Math.max(0, Number.parseInt(after ?? '', 10) || 0)) }
  if (isObject(tries)) again.tries = { left: num(tries.left, 0), lock: num(tries.lock_seconds, 0) }
  return again
}

/** A map of texts. */
export function texts(v: unknown): Record<string, string> {
  const out: Record<string, string> = Object.create(null)
  if (isObject(v)) for (const [k, t] of Object.entries(v)) if (typeof t === 'string') out[k] = t
  return out
}

/** Seconds from now to at, both of the gateway's clock. */
function seconds(now: unknown, at: unknown): number {
  const left = (Date.parse(str(at)) - Date.parse(str(now))) / 1000
  return Number.isFinite(left) ? Math.max(0, Math.round(left)) : 0
}

/** Reads a state message. */
export function parseState(text: string): State | undefined {
  const o = parseObject(text)
  if (!o) return undefined
  const asset = isObject(o.asset) ? o.asset : {}
  const people = Array.isArray(o.people) ? o.people.filter(isObject) : []
  const expires = parseExpiry(o.expires, o.now)
  return {
    session: str(o.session),
    participant: str(o.participant),
    mode: oneOf(o.mode, ['owner', 'participate', 'monitor'] as const, 'monitor'),
    asset: {
      id: str(asset.id),
      name: str(asset.name),
      protocol: str(asset.protocol),
      os: str(asset.os),
      url: str(asset.url),
    },
    state: oneOf(
      o.state,
      ['launching', 'connecting', 'active', 'suspended', 'reconnecting', 'ending'] as const,
      'connecting',
    ),
    step: oneOf<Step>(o.step, ['recording', 'signing_in', 'first_picture'], ''),
    recorded: o.recorded === true,
    ...(isObject(o.ends) ? { ends: { code: str(o.ends.code), after: seconds(o.now, o.ends.at) } } : {}),
    capabilities: capabilities(o.capabilities),
    people: people.map((p) => ({ name: str(p.name), mode: str(p.mode), self: p.self === true, away: p.away === true })),
    params: texts(o.params),
    started: str(o.started),
    now: str(o.now),
    ...(expires ? { expires } : {}),
    window: num(o.window, 512 << 10),
    ack: Math.max(1, num(o.ack, 64 << 10)),
    reconnectWindow: Math.max(0, num(o.reconnect_window, 60)),
    gateway: str(o.gateway),
  }
}

/** Reads an end message. One that cannot be read is still an end. */
export function parseEnd(text: string): End {
  const o = parseObject(text) ?? {}
  const end: End = {
    code: str(o.code) || 'internal',
    reason: str(o.reason),
    text: str(o.text),
    signal: str(o.signal),
    started: str(o.started),
    ended: str(o.ended),
  }
  if (typeof o.status === 'number') end.status = o.status
  return end
}

/** Reads a notice. */
export function parseNotice(text: string): Notice | undefined {
  const o = parseObject(text)
  return o && { code: str(o.code), text: str(o.text) }
}

/** Whether the policy lets this person do something in the session. A monitor sends nothing, whatever its capabilities say (J2). */
export function mayUse(state: State | undefined, declaration: string): boolean {
  return state !== undefined && state.mode !== 'monitor' && declaration in state.capabilities
}
