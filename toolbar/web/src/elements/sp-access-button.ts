import { css, html, nothing, type PropertyValues } from 'lit'
import { t } from '../i18n/index.js'
import { apiBase, fetchAccess } from '../net/http.js'
import { SpElement } from './base.js'
import { icon } from './icons.js'
import type { SpLauncher } from './sp-launcher.js'

/** Answers of the gateway with which a launcher can lead to a session. */
const leads: ReadonlySet<string> = new Set(['allowed', 'mfa_required'])

/**
 * The Access button of an asset (L1, L2). It is not rendered unless the gateway says that this user may start a session
 * there (E5); a click opens the launcher.
 *
 * @attr asset - the asset's id
 * @attr base - the address of the broker's mount, on this origin; default: where the bundle came from
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
  static override properties = { asset: {}, base: {}, permitted: { state: true }, opened: { state: true } }
  declare asset: string
  declare base: string
  declare private permitted: boolean
  declare private opened: boolean

  constructor() {
    super()
    this.asset = ''
    this.base = ''
    this.permitted = false
    this.opened = false
  }

  protected override willUpdate(changed: PropertyValues): void {
    if (changed.has('asset') || changed.has('base')) void this.refresh()
  }

  /** Asks the gateway again. */
  async refresh(): Promise<void> {
    const asked = this.asset
    let permitted = false
    if (asked) {
      try {
        permitted = leads.has((await fetchAccess(apiBase(this.base), asked)).code)
      } catch {
        // Refused or not reached: no button.
      }
    }
    if (asked === this.asset) this.permitted = permitted
  }

  override render() {
    if (!this.permitted) return nothing
    return html`<button class="btn primary" part="button" aria-haspopup="dialog" @click=${() => this.#open()}>
        ${icon('enter')}<slot>${t('access')}</slot>
      </button>
      ${this.opened ? html`<sp-launcher asset=${this.asset} base=${this.base}></sp-launcher>` : nothing}`
  }

  async #open(): Promise<void> {
    this.opened = true
    await this.updateComplete
    await this.part$<SpLauncher>('sp-launcher')?.open()
  }
}
