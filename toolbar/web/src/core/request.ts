// Access requests as the gateway tells them: read, never trusted to be whole.
import { capabilities, type Effect, parseObject, texts } from './types.js'

/** How far a request has come. */
export type RequestState = 'pending' | 'approved' | 'rejected' | 'expired' | 'completed' | 'cancelled' | 'revoked'

const states: readonly RequestState[] = [
  'pending',
  'approved',
  'rejected',
  'expired',
  'completed',
  'cancelled',
  'revoked',
]

/** What one approver said. */
export interface Vote {
  name: string
  at: string
  approve: boolean
  note: string
}

/** One access request. Times are RFC 3339, '' if there is none. */
export interface AccessRequest {
  id: string
  revision: number
  /** What it is for: asset.access, or something in a session. */
  operation: string
  asset: { id: string; name: string; url: string }
  userName: string
  from: string
  to: string
  /** Seconds from the approval on, where no time is named. */
  lasting: number
  message: string
  ticket: string
  exclusive: boolean
  params: Record<string, string>
  rights: Record<string, Effect>
  state: RequestState
  /** The level that decides now, counted from 0. */
  level: number
  levels: { name: string; required: number; votes: Vote[] }[]
  /** What a decision is about: it names them, and a request with others by then is not decided about (S12). */
  terms: string
  created: string
  expires: string
  closedNote: string
  may: { decide: boolean; withdraw: boolean; revoke: boolean }
}

type Json = Record<string, unknown>

const isObject = (v: unknown): v is Json => typeof v === 'object' && v !== null && !Array.isArray(v)
const part = (v: unknown): Json => (isObject(v) ? v : {})
const str = (v: unknown): string => (typeof v === 'string' ? v : '')
const int = (v: unknown): number => (typeof v === 'number' && Number.isInteger(v) && v > 0 ? v : 0)
const list = (v: unknown): Json[] => (Array.isArray(v) ? v.filter(isObject) : [])

function fromJSON(o: Json): AccessRequest | undefined {
  const asset = part(o.asset)
  const may = part(o.may)
  const state = states.find((s) => s === o.state)
  if (!str(o.id) || !state) return undefined
  return {
    id: str(o.id),
    revision: int(o.revision),
    operation: str(o.operation),
    asset: { id: str(asset.id), name: str(asset.name), url: str(asset.url) },
    userName: str(o.user_name),
    from: str(o.from),
    to: str(o.to),
    lasting: int(o.lasting_seconds),
    message: str(o.message),
    ticket: str(o.ticket_id),
    exclusive: o.exclusive === true,
    params: texts(o.params),
    rights: capabilities(o.capabilities),
    state,
    level: int(o.level),
    levels: list(o.levels).map((l) => ({
      name: str(l.name),
      required: Math.max(1, int(l.required)),
      votes: list(l.votes).map((v) => ({
        name: str(v.name),
        at: str(v.at),
        approve: v.approve === true,
        note: str(v.note),
      })),
    })),
    terms: str(o.terms),
    created: str(o.created),
    expires: str(o.expires),
    closedNote: str(o.closed_note),
    may: { decide: may.decide === true, withdraw: may.withdraw === true, revoke: may.revoke === true },
  }
}

/** Reads one request; undefined if it is none that this client knows. */
export function parseRequest(text: string): AccessRequest | undefined {
  const o = parseObject(text)
  return o && fromJSON(o)
}

/** Reads a list of them. */
export function parseRequests(text: string): AccessRequest[] {
  return list(parseObject(text)?.requests)
    .map(fromJSON)
    .filter((r) => r !== undefined)
}

/** Whether anything can still come of a request. */
export function isOpen(r: AccessRequest): boolean {
  return r.state === 'pending' || r.state === 'approved'
}

/** What is wrong with a time that is to be asked for, in milliseconds; longest in seconds. */
export function checkTime(from: number, to: number, now: number, longest: number): 'bad_time' | 'too_long' | undefined {
  if (!Number.isFinite(from) || !Number.isFinite(to) || to <= Math.max(from, now)) return 'bad_time'
  return to - Math.max(from, now) > longest * 1000 ? 'too_long' : undefined
}

/** The times to choose from that begin with the approval, in seconds: none is longer than may be asked for. */
export function quickTimes(longest: number): number[] {
  const usual = [30, 60, 120, 240, 480].map((m) => m * 60).filter((s) => s < longest)
  return [...usual.slice(0, 4), longest]
}
