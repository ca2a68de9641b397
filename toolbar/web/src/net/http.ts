import {
  type Gateway,
  Refused,
  type SessionInfo,
  type Socket,
  type SocketEvents,
  type Ticket,
} from '../core/gateway.js'
import { type Access, parseAccess } from '../core/launch.js'
import { parseRecording, type Recording } from '../core/player.js'
import { parseAgain, parseObject, texts } from '../core/types.js'
import { hasReloaded, newerBuild } from './build.js'
import { openSocket } from './websocket.js'

/** The most bytes of an answer that are read. */
const MAX_ANSWER = 1 << 20
/** The most of one that tells the segments of a recording. */
const MAX_INDEX = 4 << 20

/**
 * The address of the API: the folder above the bundle's, since the gateway serves the bundle under assets/. A page may
 * name another with the attribute base, on its own origin only: a ticket must never go anywhere else.
 */
export function apiBase(attribute: string | null | undefined): URL {
  if (attribute) {
    const named = new URL(attribute.endsWith('/') ? attribute : `${attribute}/`, document.baseURI)
    if (named.origin === location.origin && /^https?:$/.test(named.protocol)) return named
    console.warn('sallyport: the attribute base names another origin and is not used')
  }
  const bundle = new URL('..', import.meta.url)
  return bundle.origin === location.origin ? bundle : new URL('/', location.href)
}

/** An address of the host's, if it stays on this origin; else empty. */
export function sameOrigin(address: string, base: string | URL = location.href): string {
  if (address === '') return ''
  try {
    const url = new URL(address, base)
    return url.origin === location.origin && /^https?:$/.test(url.protocol) ? url.href : ''
  } catch {
    return ''
  }
}

function ask(url: URL, init: RequestInit): Promise<Response> {
  return fetch(url, {
    credentials: 'same-origin',
    cache: 'no-store',
    redirect: 'error',
    referrerPolicy: 'no-referrer',
    ...init,
  })
}

/** Makes a request. A refusal is thrown as one; most is how long an answer may be. */
export async function call(url: URL, init: RequestInit, most = MAX_ANSWER): Promise<string> {
  const answer = await ask(url, init)
  const text = await answer.text()
  if (text.length > most) throw new Error('answer too long')
  if (answer.ok) return text
  throw refusal(answer, text)
}

function refusal(answer: Response, text: string): Error {
  const error = parseObject(text)?.error
  if (typeof error !== 'object' || error === null) return new Error(`status ${answer.status}`)
  const { code, message, field, tries } = error as Record<string, unknown>
  return new Refused(
    typeof code === 'string' && code ? code : 'internal',
    typeof message === 'string' ? message : '',
    typeof field === 'string' ? field : '',
    parseAgain(answer.headers.get('Retry-After'), tries),
  )
}

export const get = (url: URL): Promise<string> => call(url, { method: 'GET', headers: { Accept: 'application/json' } })

export const post = (url: URL, body: unknown, more: { signal?: AbortSignal; most?: number } = {}): Promise<string> =>
  call(
    url,
    {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
      signal: more.signal ?? null,
    },
    more.most,
  )

const part = encodeURIComponent

/** An address of a session's API. */
export const sessionURL = (base: URL, id: string, rest: string): URL => new URL(`api/session/${part(id)}${rest}`, base)

/** What this user may do on an asset now. */
export async function fetchAccess(base: URL, asset: string): Promise<Access> {
  const access = parseAccess(await get(new URL(`api/asset/${part(asset)}/access`, base)))
  if (!access) throw new Error('not an access answer')
  return access
}

/** The body of a launch. */
export interface Launch {
  params?: Record<string, string>
  window?: 'tab' | 'window' | 'embedded'
  reason?: string
  ticket_id?: string
  mfa_token?: string
}

/** Creates a session; the answer is its id and the address of its page. */
export async function startSession(base: URL, asset: string, launch: Launch): Promise<{ id: string; url: string }> {
  const o = parseObject(await post(new URL(`api/asset/${part(asset)}/sessions`, base), launch))
  const url = typeof o?.url === 'string' ? sameOrigin(o.url, base) : ''
  if (typeof o?.id !== 'string' || !url) throw new Error('not a session')
  return { id: o.id, url }
}

/** Ends a session that was created and never shown. */
export async function endSession(base: URL, id: string): Promise<void> {
  await post(new URL(`api/session/${part(id)}/end`, base), {})
}

/** Opens a playback of a session's recording. */
export async function openPlayback(base: URL, session: string, token: string): Promise<Recording> {
  const body = token ? { mfa_token: token } : {}
  const rec = parseRecording(await post(new URL(`api/session/${part(session)}/play`, base), body, { most: MAX_INDEX }))
  if (!rec) throw new Error('not a playback')
  return rec
}

/** One segment of a playback. */
export async function fetchSegment(base: URL, rec: Recording, n: number): Promise<Uint8Array> {
  const url = sameOrigin(rec.segmentBase + n, base)
  if (!url) throw new Error('not an address of a segment')
  const answer = await ask(new URL(url), { method: 'GET' })
  if (!answer.ok) throw refusal(answer, await answer.text())
  return new Uint8Array(await answer.arrayBuffer())
}

/** The gateway of one session over HTTP and WebSocket. */
export class HttpGateway implements Gateway {
  readonly #base: URL
  readonly #id: string
  readonly #own: boolean
  #attached = false

  /** own: the page is the gateway's, so that it can be asked to reload when the gateway has another client. */
  constructor(base: URL, id: string, own = false) {
    this.#base = base
    this.#id = id
    this.#own = own
  }

  async session(): Promise<SessionInfo> {
    const o = parseObject(await get(this.#url('')))
    if (!o) throw new Error('not a session')
    const s = (name: string): string => {
      const v = o[name]
      return typeof v === 'string' ? v : ''
    }
    return {
      completed: s('state').toLowerCase() === 'completed',
      assetID: s('asset'),
      assetName: s('asset_name'),
      assetURL: s('asset_url'),
      protocol: s('protocol'),
      reason: s('reason'),
      code: s('code'),
      created: s('created'),
      ended: s('completed'),
      params: texts(o.params),
    }
  }

  async attach(): Promise<Ticket> {
    // A page that comes back may be older than the gateway by now. If a reload has not made it newer, it goes on as it is.
    if (this.#own && this.#attached) {
      const newer = await newerBuild(this.#base)
      if (newer && !hasReloaded(newer)) throw new Refused('reload')
    }
    this.#attached = true
    const o = parseObject(await post(this.#url('/attach'), {}))
    if (typeof o?.ticket !== 'string') throw new Error('not a ticket')
    return { ticket: o.ticket, socket: typeof o.socket === 'string' ? o.socket : '' }
  }

  async end(): Promise<void> {
    await endSession(this.#base, this.#id)
  }

  async display(params: Record<string, string>): Promise<void> {
    await post(this.#url('/display'), { params })
  }

  connect(_: Ticket, events: SocketEvents): Socket {
    // The address is our own, not the answer's: the ticket goes to where the page came from.
    return openSocket(this.#url('/socket'), events)
  }

  #url(rest: string): URL {
    return sessionURL(this.#base, this.#id, rest)
  }
}
