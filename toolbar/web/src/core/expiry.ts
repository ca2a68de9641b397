// The end of the time for which a session was approved (I2): read from the state message, counted down here.
import type { Clock } from './clock.js'

/** What the owner may do about the end (I4): at once, by asking, asked already, approved to a known end; '': nothing. */
export type Extend = '' | 'now' | 'request' | 'pending' | 'approved'

const extends_ = ['now', 'request', 'pending', 'approved'] as const

/** The end of the approved time. Moments are milliseconds since 1970 by the gateway's clock; NaN: not said. */
export interface Expiry {
  at: number
  /** Milliseconds that were left when the message was written. */
  left: number
  extend: Extend
  /** The end that an approved extension has. */
  to: number
  /** The latest end that can be had. */
  latest: number
  /** The request for the extension, '' if there is none. */
  request: string
}

/** Reads the expires of a state message that was written at now. */
export function parseExpiry(v: unknown, now: unknown): Expiry | undefined {
  if (typeof v !== 'object' || v === null) return undefined
  const o = v as Record<string, unknown>
  const time = (x: unknown): number => (typeof x === 'string' ? Date.parse(x) : Number.NaN)
  const at = time(o.at)
  const left = at - time(now)
  if (!Number.isFinite(left)) return undefined
  return {
    at,
    left: Math.max(0, left),
    extend: extends_.find((e) => e === o.extend) ?? '',
    to: time(o.to),
    latest: time(o.latest),
    request: typeof o.request === 'string' ? o.request : '',
  }
}

/** Milliseconds as h:mm:ss, rounded up: it shows 0:00:00 when the time is over and not before. */
export function countdown(ms: number): string {
  const s = Math.max(0, Math.ceil(ms / 1000))
  const two = (n: number): string => String(n).padStart(2, '0')
  return `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`
}

/** The ends to choose from, in milliseconds since 1970: some time more, and as late as it can be. */
export function laterEnds(e: Expiry): { to: number; minutes: number }[] {
  const steps = [15, 30, 60].map((minutes) => ({ to: e.at + minutes * 60_000, minutes })).filter((c) => c.to < e.latest)
  return Number.isFinite(e.latest) && e.latest > e.at ? [...steps, { to: e.latest, minutes: 0 }] : steps
}

/** Minutes before the end at which people are warned. The gateway warns of the last one itself. */
export const WARN_AT = [15, 5] as const

/**
 * ExpiryWatch counts an end down by this machine's own clock, which nobody sets, and warns ahead of it. A later end takes the warning back.
 */
export class ExpiryWatch {
  readonly #clock: Clock
  readonly #warn: (minutes: number | undefined) => void
  #end: number | undefined // by Clock.ticks
  #at = Number.NaN
  #cancel: (() => void) | undefined
  #warned: number | undefined

  /** warn: so many minutes are left, or no warning holds any more. */
  constructor(clock: Clock, warn: (minutes: number | undefined) => void) {
    this.#clock = clock
    this.#warn = warn
  }

  /** Milliseconds that are left; undefined: no approval ends the session. */
  get left(): number | undefined {
    return this.#end === undefined ? undefined : Math.max(0, this.#end - this.#clock.ticks())
  }

  /** Takes what the newest state message says. */
  follow(e: Expiry | undefined): void {
    if (e && e.at === this.#at) return // the same end, told again: the count goes on, and does not jump by how long the message took
    this.#at = e?.at ?? Number.NaN
    this.#end = e && this.#clock.ticks() + e.left
    if (this.#warned !== undefined) this.#warn(undefined)
    this.#warned = undefined
    this.#arm()
  }

  #arm(): void {
    this.#cancel?.()
    this.#cancel = undefined
    const left = this.left
    if (left === undefined) return
    const next = WARN_AT.find((m) => m * 60_000 < left)
    const now = [...WARN_AT].reverse().find((m) => left <= m * 60_000)
    if (now !== undefined && now !== this.#warned && left > 60_000) {
      this.#warned = now
      this.#warn(Math.ceil(left / 60_000))
    }
    if (next !== undefined) this.#cancel = this.#clock.after(left - next * 60_000, () => this.#arm())
  }
}
