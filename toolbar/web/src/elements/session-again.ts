import { Refused } from '../core/gateway.js'
import type { Code } from '../core/types.js'
import { mayReload } from '../net/build.js'
import { apiBase, startSession } from '../net/http.js'

/** How long the card that says why can be read before the page reloads itself, in milliseconds. */
const RELOAD_AFTER = 1500

/** What was launched, to launch it once more. */
export interface Launched {
  base: string
  assetID: string
  params: Readonly<Record<string, string>>
  /** The session has a page of its own. */
  page: boolean
}

/** Again is how it goes on after a session's end: the same launch once more, or the page anew where it is older than the gateway. */
export class Again {
  readonly #changed: () => void
  #busy = false
  #reloading = false
  #fault: Code = ''

  constructor(changed: () => void) {
    this.#changed = changed
  }

  /** A launch is on its way. */
  get busy(): boolean {
    return this.#busy
  }

  /** The page is about to reload itself. */
  get reloading(): boolean {
    return this.#reloading
  }

  /** Why the last launch was refused. */
  get fault(): Code {
    return this.#fault
  }

  /** Another session is to be shown. */
  forget(): void {
    this.#busy = false
    this.#fault = ''
    this.#changed()
  }

  /**
   * Starts a session like the last one; undefined if that was refused, or the page is on its way to the new one. The whole decision is
   * made anew; what it asks for (a token, a request) is answered on the asset's page.
   */
  async start(l: Launched): Promise<string | undefined> {
    if (this.#busy) return undefined
    this.#busy = true
    this.#fault = ''
    this.#changed()
    try {
      const window = l.page ? 'tab' : 'embedded'
      const started = await startSession(apiBase(l.base), l.assetID, { params: { ...l.params }, window })
      if (!l.page) return started.id
      location.assign(started.url)
    } catch (err) {
      this.#fault = err instanceof Refused ? err.code : 'unreachable'
      this.#busy = false
      this.#changed()
    }
    return undefined
  }

  /** Reloads the page, once, unless stays says then that there is something to stay for. */
  async reload(base: string, stays: () => boolean): Promise<void> {
    if (!(await mayReload(apiBase(base)))) return
    this.#reloading = true
    this.#changed()
    setTimeout(() => {
      if (!stays()) location.reload()
    }, RELOAD_AFTER)
  }
}
