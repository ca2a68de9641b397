import { css, html, type PropertyValues } from 'lit'
import { t } from '../i18n/index.js'
import { SpElement } from './base.js'
import { icon } from './icons.js'
import { panelStyles } from './sp-toolbar.styles.js'

/** Combinations that the browser or the user's system keeps, as codes of KeyboardEvent. */
const combinations = [
  ['keys_cad', ['ControlLeft', 'AltLeft', 'Delete']],
  ['keys_alt_tab', ['AltLeft', 'Tab']],
  ['keys_win', ['MetaLeft']],
  ['keys_ctrl_esc', ['ControlLeft', 'Escape']],
  ['keys_alt_f4', ['AltLeft', 'F4']],
  ['keys_print', ['PrintScreen']],
] as const

/**
 * The panel of keys that a browser cannot pass on (I21).
 *
 * @fires sp-keys - detail: the codes of the keys, to be pressed together
 * @fires sp-panel-close - the user closes the panel; detail: whether by a key
 */
export class SpKeysPanel extends SpElement {
  static override styles = [
    SpElement.styles,
    panelStyles,
    css`
      :host { width: 260px; }
      .body { grid-template-columns: 1fr 1fr; }
      .body .btn:first-child { grid-column: 1 / -1; }
    `,
  ]

  override focus(): void {
    this.part$('.body button')?.focus()
  }

  protected override firstUpdated(_: PropertyValues): void {
    this.setAttribute('role', 'dialog')
    this.setAttribute('aria-label', t('send_keys'))
  }

  override render() {
    return html`<div class="head">
        ${icon('keyboard')}
        <h2 class="grow">${t('send_keys')}</h2>
        <button class="btn ghost icon small" aria-label=${t('close_panel')} title=${t('close_panel')}
          @click=${(e: MouseEvent) => this.dispatchEvent(new CustomEvent('sp-panel-close', { detail: e.detail === 0 }))}>
          ${icon('x')}
        </button>
      </div>
      <div class="body">
        ${combinations.map(([label, codes]) => html`<button class="btn small" @click=${() => this.dispatchEvent(new CustomEvent('sp-keys', { detail: codes }))}>${t(label)}</button>`)}
      </div>`
  }
}
