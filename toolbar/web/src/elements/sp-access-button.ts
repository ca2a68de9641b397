import { css, html, nothing, type PropertyValues } from 'lit'
import { t } from '../i18n/index.js'
import { apiBase, fetchAccess, sameOrigin } from '../net/http.js'
import { SpElement } from './base.js'
import { icon } from './icons.js'
import type { SpLauncher } from './sp-launcher.js'

/** Answers of the gateway with which a request leads there, or shows how far it is. */
const asks: ReadonlySet<string> = new Set(['request_required', 'request_pending'])

/** Answers of the gateway with which a launcher can lead to a session. */
const leads: ReadonlySet<string> = new Set(['allowed', 'mfa_required'])

/**
 * The Access button of an asset (L1, L2). It is not rendered unless the gateway says that this user may start a session
 * there (E5); a click opens the launcher. Where approval is needed, and the host has pages for it, it leads to the form
 * (Q4) or to the request that is waited for (Q5).
 *
 * @attr asset - the asset's id
 * @attr base - the address of the broker's mount, on this origin; default: where the bundle came from
 * @attr requests - the host's address of its pages of requests, on this origin: new?asset=ID and ID below it; none: no way there
 * @attr theme - light or dark; default: as the page
 * @fires sp-started - a session was created; detail: asset, session, url, window
 * @slot - another label
 * @csspart button - the button
 */
export class SpAccessButton extends SpElement {
  static override styles = [
    SpElement.styles,
    css`
      :host { display: inline-block; }
    `,
  ]
  static override properties = {
    asset: {},
    base: {},
    requests: {},
    code: { state: true },
    request: { state: true },
    opened: { state: true },
  }
  declare asset: string
  declare base: string
  declare requests: string
  declare private code: string
  declare private request: string
  declare private opened: boolean

  constructor() {
    super()
    this.asset = ''
    this.base = ''
    this.requests = ''
    this.code = ''
    this.request = ''
    this.opened = false
  }

  protected override willUpdate(changed: PropertyValues): void {
    if (changed.has('asset') || changed.has('base')) void this.refresh()
  }

  /** Asks the gateway again. */
  async refresh(): Promise<void> {
    const asked = this.asset
    let [code, request] = ['', '']
    if (asked) {
      try {
        const access = await fetchAccess(apiBase(this.base), asked)
        code = access.code
        request = access.request?.id ?? ''
      } catch {
        // Refused or not reached: no button.
      }
    }
    if (asked === this.asset) Object.assign(this, { code, request })
  }

  override render() {
    if (asks.has(this.code)) return this.#way()
    if (!leads.has(this.code)) return nothing
    return html`<button class="btn primary" part="button" aria-haspopup="dialog" @click=${() => this.#open()}>
        ${icon('enter')}<slot>${t('access')}</slot>
      </button>
      ${this.opened ? html`<sp-launcher asset=${this.asset} base=${this.base}></sp-launcher>` : nothing}`
  }

  #way() {
    const waits = this.code === 'request_pending'
    const page = waits ? encodeURIComponent(this.request) : `new?asset=${encodeURIComponent(this.asset)}`
    const href = this.requests && (!waits || this.request) ? sameOrigin(this.requests + page) : ''
    if (!href) return nothing
    return html`<a class="btn ${waits ? '' : 'primary'}" part="button" href=${href}>
      ${icon(waits ? 'clock' : 'shieldPlain')}${t(waits ? 'see_request' : 'ask_access')}
    </a>`
  }

  async #open(): Promise<void> {
    this.opened = true
    await this.updateComplete
    await this.part$<SpLauncher>('sp-launcher')?.open()
  }
}
