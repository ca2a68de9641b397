import { type AccessRequest, parseRequest } from '../core/request.js'
import { post } from './http.js'
import { close } from './requests.js'

/** ExtendClient moves the end of one session whose time was approved (I4). */
export class ExtendClient {
  readonly #base: URL
  readonly #session: URL

  constructor(base: URL, session: string) {
    this.#base = base
    this.#session = new URL(`api/session/${encodeURIComponent(session)}/`, base)
  }

  /** Extends at once: to a later end or, without one, to the end that was approved. */
  async extend(to?: number): Promise<void> {
    await post(new URL('extend', this.#session), to === undefined ? {} : { to: new Date(to).toISOString() })
  }

  /** Asks for a later end. */
  async ask(to: number, message: string): Promise<AccessRequest | undefined> {
    const body = { operation: 'session.extend', to: new Date(to).toISOString(), message }
    return parseRequest(await post(new URL('requests', this.#session), body))
  }

  /** Takes a request back. */
  async withdraw(request: string): Promise<void> {
    await close(this.#base, request, 'withdraw')
  }
}
