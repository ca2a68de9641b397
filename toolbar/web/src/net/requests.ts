import { type AccessRequest, parseRequest, parseRequests } from '../core/request.js'
import { call, get, post } from './http.js'

const part = encodeURIComponent

/** The body of an ask. */
export interface Ask {
  from?: string
  to?: string
  lasting_seconds?: number
  message?: string
  ticket_id?: string
  exclusive?: boolean
  params?: Record<string, string>
}

function read(text: string): AccessRequest {
  const r = parseRequest(text)
  if (!r) throw new Error('not a request')
  return r
}

const address = (base: URL, id: string, rest = ''): URL => new URL(`api/request/${part(id)}${rest}`, base)

/** Asks for approval. */
export async function askAccess(base: URL, asset: string, ask: Ask): Promise<AccessRequest> {
  return read(await post(new URL(`api/asset/${part(asset)}/requests`, base), ask))
}

/** One request at once or, with after, as soon as its revision is another one; the gateway answers within half a minute. */
export async function fetchRequest(base: URL, id: string, signal: AbortSignal, after?: number): Promise<AccessRequest> {
  const url = address(base, id, after === undefined ? '' : `?after=${after}`)
  return read(await call(url, { method: 'GET', headers: { Accept: 'application/json' }, signal }))
}

/** Whose requests a list shows. */
export type RequestView = 'decide' | 'mine' | 'all'

/** Requests, newest first. */
export async function fetchRequests(base: URL, view: RequestView): Promise<AccessRequest[]> {
  return parseRequests(await get(new URL(`api/requests?view=${view}`, base)))
}

/** Says yes or no to what r was when it was looked at: its terms, at its level (S12). */
export async function decide(base: URL, r: AccessRequest, approve: boolean, note: string): Promise<AccessRequest> {
  return read(await post(address(base, r.id, '/decision'), { approve, note, terms: r.terms, level: r.level }))
}

/** Takes an open request back, or away. */
export async function close(base: URL, id: string, how: 'withdraw' | 'revoke'): Promise<AccessRequest> {
  return read(await post(address(base, id, `/${how}`), {}))
}
