import { css, html, nothing } from 'lit'
import { examine, reveal, withoutLastBreak } from '../core/paste.js'
import { locale, t } from '../i18n/index.js'
import { SpElement } from './base.js'
import { dialogStyles } from './dialog.styles.js'
import { icon } from './icons.js'

/**
 * The question before a paste that a shell might run at once, or that is not what it looks like (I6). It shows the text
 * as it is, with every character visible that would not be. Nothing is sent unless the user says so: there is no
 * switch for it, and Esc, a lost session and a second paste all mean no.
 */
export class SpPasteGuard extends SpElement {
  static override styles = [
    SpElement.styles,
    dialogStyles,
    css`
      #why { display: grid; gap: var(--sp-2); }
      pre { margin: 0; max-height: 40dvh; min-height: 64px; padding: 10px 12px; border: 1px solid var(--sp-line-strong); border-radius: var(--sp-r); background: var(--sp-sunken); color: var(--sp-text); font: var(--sp-fs-s) / 18px var(--sp-mono); overflow: auto; white-space: pre-wrap; overflow-wrap: anywhere; tab-size: 4; unicode-bidi: plaintext; }
      pre:focus-visible { outline-offset: -1px; }
      mark { padding: 0 2px; border-radius: 3px; background: var(--sp-danger-soft); color: var(--sp-danger); font-style: normal; }
      .more { color: var(--sp-text-3); font-size: var(--sp-fs-s); }
    `,
  ]
  static override properties = { text: { state: true }, bracketed: { state: true }, cut: { state: true } }
  declare private text: string
  declare private bracketed: boolean
  declare private cut: boolean
  #answer: ((text: string | undefined) => void) | undefined

  constructor() {
    super()
    this.text = ''
    this.bracketed = false
    this.cut = true
  }

  /** Asks, and answers the text to send; undefined: none. bracketed: the terminal has bracketed paste on. */
  async ask(text: string, bracketed: boolean): Promise<string | undefined> {
    this.cancel()
    const answer = new Promise<string | undefined>((resolve) => {
      this.#answer = resolve
    })
    this.text = text
    this.bracketed = bracketed
    this.cut = true
    await this.updateComplete
    const dialog = this.part$<HTMLDialogElement>('dialog')
    if (dialog && !dialog.open && this.#answer) dialog.showModal()
    return answer
  }

  /** Takes the question back: nothing is sent. */
  cancel(): void {
    this.#reply(undefined)
  }

  override disconnectedCallback(): void {
    this.cancel()
    super.disconnectedCallback()
  }

  override render() {
    const { lines, ends, hidden } = examine(this.text)
    const { pieces, more } = reveal(this.text)
    const n = new Intl.NumberFormat(locale())
    const several = lines > 1
    return html`<dialog aria-labelledby="title" aria-describedby="why" @cancel=${(e: Event) => {
      e.preventDefault()
      this.cancel()
    }} @close=${() => this.cancel()} @keydown=${(e: KeyboardEvent) => this.#key(e)}>
      <div class="head">${icon('clipboard', 'i i-l')}<h2 id="title">${several ? t('guard_title', { n: n.format(lines) }) : t('guard_title_one')}</h2></div>
      <div class="body">
        <div id="why">
          ${
            hidden > 0
              ? html`<p class="note danger">${icon('warn')}<span>${hidden === 1 ? t('guard_hidden_one') : t('guard_hidden', { n: n.format(hidden) })}</span></p>`
              : nothing
          }
          ${
            several
              ? html`<p class="note ${this.bracketed ? '' : 'warn'}">${icon(this.bracketed ? 'info' : 'warn')}<span>${t(this.bracketed ? 'lines_bracketed' : 'lines_warning', { n: n.format(lines) })}</span></p>`
              : ends
                ? html`<p class="note ${this.bracketed ? '' : 'warn'}">${icon(this.bracketed ? 'info' : 'warn')}<span>${t('guard_run')}</span></p>`
                : nothing
          }
        </div>
        <pre tabindex="0" role="region" aria-label=${t('guard_text')}>${pieces.map((p) => (p.mark ? html`<mark>${p.text}</mark>` : p.text))}</pre>
        ${more > 0 ? html`<p class="more num">${t('guard_more', { n: n.format(more) })}</p>` : nothing}
        ${
          ends
            ? html`<label class="check"><input type="checkbox" .checked=${this.cut} @change=${(e: Event) => {
                if (e.target instanceof HTMLInputElement) this.cut = e.target.checked
              }} /><span>${t('guard_last')}</span></label>`
            : nothing
        }
      </div>
      <div class="foot">
        <button class="btn" autofocus @click=${() => this.cancel()}>${t('cancel')}</button>
        <button class="btn primary" @click=${() => this.#accept()}>${several ? t('paste_lines', { n: n.format(lines) }) : t('paste')}</button>
      </div>
    </dialog>`
  }

  // Typed keys are ours alone. Enter on Cancel cancels: who pastes and goes on typing has not said yes.
  #key(e: KeyboardEvent): void {
    e.stopPropagation()
    if (e.key === 'Enter' && (e.ctrlKey || e.metaKey)) {
      e.preventDefault()
      this.#accept()
    }
  }

  #accept(): void {
    this.#reply(this.cut ? withoutLastBreak(this.text) : this.text)
  }

  #reply(text: string | undefined): void {
    const answer = this.#answer
    this.#answer = undefined
    this.text = '' // it may be a secret: nothing of it stays in the page
    this.part$<HTMLDialogElement>('dialog')?.close()
    answer?.(text)
  }
}
