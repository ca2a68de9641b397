import { css, html, nothing } from 'lit'
import { t } from '../i18n/index.js'
import { SpElement } from './base.js'
import { icon } from './icons.js'

/**
 * The field that looks for text in the terminal.
 *
 * @fires sp-find - detail: { text, direction }; the listener answers with the attribute missing
 * @fires sp-panel-close - the user closes it
 */
export class SpFind extends SpElement {
  static override styles = [
    SpElement.styles,
    css`
      :host { position: absolute; z-index: var(--sp-z-panel); top: 8px; right: 16px; max-width: calc(100% - 32px); display: flex; align-items: center; gap: 2px; padding: 4px; border: 1px solid var(--sp-line-strong); border-radius: var(--sp-r-l); background: var(--sp-raised); box-shadow: var(--sp-e2); }
      input { width: 200px; min-width: 60px; height: var(--sp-h-s); padding: 0 8px; border: 1px solid var(--sp-control); border-radius: var(--sp-r); background: var(--sp-field); }
      input:focus-visible { outline-offset: -1px; border-color: var(--sp-focus); }
      .none { padding: 0 6px; color: var(--sp-danger); font-size: var(--sp-fs-s); white-space: nowrap; }
    `,
  ]
  static override properties = { missing: { type: Boolean } }
  /** Whether the last search found nothing. */
  declare missing: boolean

  constructor() {
    super()
    this.missing = false
  }

  override focus(): void {
    const input = this.part$<HTMLInputElement>('input')
    input?.focus()
    input?.select()
  }

  override render() {
    return html`<label class="vh" for="q">${t('find')}</label>
      <input id="q" type="text" dir="auto" spellcheck="false" autocomplete="off" placeholder=${t('find')}
        @input=${() => this.#find('next')} @keydown=${(e: KeyboardEvent) => this.#key(e)} />
      <span class="none" role="status">${this.missing ? t('find_none') : nothing}</span>
      <button class="btn ghost icon small" aria-label=${t('find_previous')} title=${t('find_previous')} @click=${() => this.#find('previous')}>${icon('up')}</button>
      <button class="btn ghost icon small" aria-label=${t('find_next')} title=${t('find_next')} @click=${() => this.#find('next')}>${icon('down')}</button>
      <button class="btn ghost icon small" aria-label=${t('close_panel')} title=${t('close_panel')} @click=${() => this.#close()}>${icon('x')}</button>`
  }

  #find(direction: 'next' | 'previous'): void {
    const text = this.part$<HTMLInputElement>('input')?.value ?? ''
    this.dispatchEvent(new CustomEvent('sp-find', { detail: { text, direction } }))
  }

  #key(e: KeyboardEvent): void {
    e.stopPropagation()
    if (e.key === 'Enter') this.#find(e.shiftKey ? 'previous' : 'next')
    else if (e.key === 'Escape') this.#close()
  }

  #close(): void {
    this.dispatchEvent(new CustomEvent('sp-panel-close'))
  }
}
