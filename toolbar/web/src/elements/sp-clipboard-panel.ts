import { html, nothing, type PropertyValues } from 'lit'
import { MAX_PAYLOAD } from '../core/frame.js'
import { locale, t } from '../i18n/index.js'
import { SpElement } from './base.js'
import { icon } from './icons.js'
import { panelStyles } from './sp-toolbar.styles.js'

/** The most characters that are typed key by key: longer texts belong into the clipboard. */
const MAX_TYPED = 2000

/**
 * The clipboard panel (I6): text for the session, from the local clipboard or typed.
 *
 * @fires sp-paste - detail: the text
 * @fires sp-type - detail: the text, to be typed key by key
 * @fires sp-panel-close - the user closes the panel; detail: whether by a key
 */
export class SpClipboardPanel extends SpElement {
  static override styles = [SpElement.styles, panelStyles]
  static override properties = {
    recorded: { type: Boolean },
    bracketed: { type: Boolean },
    types: { type: Boolean },
    text: { state: true },
    refused: { state: true },
  }
  /** Whether pastes are recorded. */
  declare recorded: boolean
  /** Whether the terminal has bracketed paste on. */
  declare bracketed: boolean
  /** Whether the text can be typed key by key as well. */
  declare types: boolean
  declare private text: string
  declare private refused: boolean

  constructor() {
    super()
    this.recorded = false
    this.bracketed = false
    this.types = false
    this.text = ''
    this.refused = false
  }

  /** Whether there is text in it that has not been sent. */
  get filled(): boolean {
    return this.text !== ''
  }

  /** Reads the clipboard, which browsers allow on a click alone. Where they refuse, the field has the focus and says so. */
  async read(): Promise<void> {
    try {
      if (!navigator.clipboard?.readText) throw new Error('no clipboard')
      this.text = await navigator.clipboard.readText()
      this.refused = false
    } catch {
      this.refused = true
    }
    await this.updateComplete
    this.part$<HTMLTextAreaElement>('textarea')?.focus()
  }

  protected override firstUpdated(_: PropertyValues): void {
    this.setAttribute('role', 'dialog')
    this.setAttribute('aria-label', t('clipboard'))
  }

  override render() {
    const bytes = new TextEncoder().encode(this.text).length
    const lines = this.text.replace(/\r?\n$/, '').split('\n').length
    const number = new Intl.NumberFormat(locale())
    return html`<div class="head">
        ${icon('clipboard')}
        <h2 class="grow">${t('clipboard')}</h2>
        <button class="btn ghost icon small" aria-label=${t('close_panel')} title=${t('close_panel')} @click=${(e: MouseEvent) => this.#close(e.detail === 0)}>
          ${icon('x')}
        </button>
      </div>
      <div class="body">
        <label class="label" for="text">
          ${t('to_session')}
          <span class="opt num">${t('bytes_of', { n: number.format(bytes), max: number.format(MAX_PAYLOAD) })}</span>
        </label>
        <textarea id="text" dir="auto" spellcheck="false" autocomplete="off" autocapitalize="off"
          placeholder=${t('paste_here')} .value=${this.text}
          aria-invalid=${bytes > MAX_PAYLOAD ? 'true' : 'false'}
          @input=${(e: InputEvent) => this.#typed(e)} @keydown=${(e: KeyboardEvent) => this.#key(e)}></textarea>
        ${this.refused ? html`<p class="note" role="status">${icon('info')}<span>${t('read_refused')}</span></p>` : nothing}
        ${
          bytes > MAX_PAYLOAD
            ? html`<p class="note danger" role="alert">${icon('warn')}<span>${t('paste_too_large')}</span></p>`
            : nothing
        }
        ${
          lines > 1
            ? html`<p class="note ${this.bracketed ? '' : 'warn'}" role="status">
                ${icon(this.bracketed ? 'info' : 'warn')}
                <span>${t(this.bracketed ? 'lines_bracketed' : 'lines_warning', { n: lines })}</span>
              </p>`
            : nothing
        }
        ${this.recorded ? html`<span class="rec"><span class="dot"></span>${t('pastes_recorded')}</span>` : nothing}
        ${this.types ? html`<p class="hint" id="type-hint">${t('type_it_hint')}</p>` : nothing}
        <div class="acts">
          <span class="grow"></span>
          <button class="btn small" @click=${() => this.read()}>${t('read_clipboard')}</button>
          ${
            this.types
              ? html`<button class="btn small" aria-describedby="type-hint" ?disabled=${this.text === '' || this.text.length > MAX_TYPED} @click=${() => this.#send('sp-type')}>${t('type_it')}</button>`
              : nothing
          }
          <button class="btn small primary" ?disabled=${bytes === 0 || bytes > MAX_PAYLOAD} @click=${() => this.#paste()}>
            ${lines > 1 ? t('paste_lines', { n: lines }) : t('paste')}
          </button>
        </div>
      </div>`
  }

  #typed(e: InputEvent): void {
    if (e.target instanceof HTMLTextAreaElement) this.text = e.target.value
  }

  #key(e: KeyboardEvent): void {
    if (e.key === 'Enter' && (e.ctrlKey || e.metaKey) && this.text !== '') {
      e.preventDefault()
      this.#paste()
    }
  }

  #paste(): void {
    this.#send('sp-paste')
  }

  #send(how: 'sp-paste' | 'sp-type'): void {
    this.dispatchEvent(new CustomEvent(how, { detail: this.text }))
    this.text = ''
  }

  #close(byKey: boolean): void {
    this.dispatchEvent(new CustomEvent('sp-panel-close', { detail: byKey }))
  }
}
