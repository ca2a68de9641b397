import { css, html } from 'lit'
import { stepped, ZOOMS, type Zoom } from '../desk/viewport.js'
import { numbers, t } from '../i18n/index.js'
import { SpElement } from './base.js'
import { icon } from './icons.js'
import type { DisplayChange } from './sp-display-panel.js'
import { panelStyles } from './sp-toolbar.styles.js'

/**
 * The display panel of a desktop: its zoom, and the statistics.
 *
 * @fires sp-display - detail: a DisplayChange
 * @fires sp-panel-close - the user closes the panel; detail: whether by a key
 */
export class SpDeskPanel extends SpElement {
  static override styles = [
    SpElement.styles,
    panelStyles,
    css`
      :host { width: 300px; }
      .zoom { display: flex; align-items: center; gap: var(--sp-2); flex-wrap: wrap; }
      .zoom .btn[aria-pressed='true'] { background: var(--sp-accent-soft); border-color: var(--sp-accent-line); color: var(--sp-accent-text); }
      .zoom .fit { flex: 1 1 auto; }
      .size { display: flex; align-items: center; gap: var(--sp-2); }
      .size output { min-width: 56px; text-align: center; }
      .rule { height: 1px; background: var(--sp-line); margin: 4px calc(-1 * var(--sp-4)); }
    `,
  ]
  static override properties = {
    zoom: { attribute: false },
    percent: { attribute: false },
    statistics: { type: Boolean },
  }
  /** What is chosen. */
  declare zoom: Zoom
  /** What is shown: to fit is some percent, too. */
  declare percent: number
  declare statistics: boolean

  constructor() {
    super()
    this.zoom = 'fit'
    this.percent = 100
    this.statistics = false
  }

  override focus(): void {
    this.part$('.zoom [aria-pressed=true], .zoom button')?.focus()
  }

  protected override firstUpdated(): void {
    this.setAttribute('role', 'dialog')
    this.setAttribute('aria-label', t('display'))
  }

  override render() {
    const { zoom, percent } = this
    return html`<div class="head">
        ${icon('monitor')}
        <h2 class="grow">${t('display')}</h2>
        <button class="btn ghost icon small" aria-label=${t('close_panel')} title=${t('close_panel')}
          @click=${(e: MouseEvent) => this.dispatchEvent(new CustomEvent('sp-panel-close', { detail: e.detail === 0 }))}>${icon('x')}</button>
      </div>
      <div class="body">
        <div class="zoom" role="group" aria-label=${t('zoom')}>
          <button class="btn small fit" aria-pressed=${zoom === 'fit'} @click=${() => this.#change({ zoom: 'fit' })}>${t('zoom_fit')}</button>
          <button class="btn small" aria-pressed=${zoom === 100} title=${t('zoom_one_about')}
            @click=${() => this.#change({ zoom: 100 })}>${t('zoom_one')}</button>
        </div>
        <div class="size" role="group" aria-label=${t('zoom')}>
          <span class="label grow">${t('zoom')}</span>
          <button class="btn icon small" aria-label=${t('zoom_smaller')} title=${t('zoom_smaller')} ?disabled=${percent <= ZOOMS[0]}
            @click=${() => this.#change({ zoom: stepped(percent, false) })}>${icon('minus')}</button>
          <output class="num" aria-live="polite">${numbers(percent, 0)} %</output>
          <button class="btn icon small" aria-label=${t('zoom_larger')} title=${t('zoom_larger')} ?disabled=${percent >= Math.max(...ZOOMS)}
            @click=${() => this.#change({ zoom: stepped(percent, true) })}>${icon('plus')}</button>
        </div>
        <p class="hint">${t('zoom_kept')}</p>
        <div class="rule"></div>
        <label class="check"><input type="checkbox" .checked=${this.statistics} @change=${(e: Event) => {
          if (e.target instanceof HTMLInputElement) this.#change({ statistics: e.target.checked })
        }} /><span>${t('statistics_show')}</span></label>
        <p class="hint">${t('statistics_keys')}</p>
      </div>`
  }

  #change(detail: DisplayChange): void {
    this.dispatchEvent(new CustomEvent<DisplayChange>('sp-display', { detail }))
  }
}
