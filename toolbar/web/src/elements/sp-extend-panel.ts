import { css, html, nothing, type PropertyValues } from 'lit'
import { type Expiry, laterEnds } from '../core/expiry.js'
import { Refused } from '../core/gateway.js'
import { codeText, locale, t } from '../i18n/index.js'
import type { ExtendClient } from '../net/extend.js'
import { SpElement } from './base.js'
import { icon } from './icons.js'
import { panelStyles } from './sp-toolbar.styles.js'

/**
 * The panel that moves the end of an approved session (I4): at once, by asking, while that waits, and when it was approved.
 *
 * @fires sp-panel-close - the user closes the panel, or it has done its work; detail: whether by a key
 */
export class SpExtendPanel extends SpElement {
  static override styles = [
    SpElement.styles,
    panelStyles,
    css`
      :host { width: 320px; }
      .choices { display: flex; border: 1px solid var(--sp-control); border-radius: var(--sp-r); padding: 3px; gap: 2px; }
      .choices label { position: relative; display: flex; align-items: center; justify-content: center; min-height: 26px; padding: 2px 4px; border-radius: 4px; font-size: var(--sp-fs-s); flex: 1 0 auto; white-space: nowrap; }
      @media (max-width: 720px) { :host { width: auto; } }
      .choices input { position: absolute; opacity: 0; width: 1px; height: 1px; pointer-events: none; }
      .choices label:has(:checked) { background: var(--sp-accent-soft); color: var(--sp-accent-text); box-shadow: inset 0 0 0 1px var(--sp-accent-line); }
      .choices label:has(:focus-visible) { outline: 2px solid var(--sp-focus); outline-offset: 1px; }
      fieldset { border: 0; padding: 0; margin: 0; min-width: 0; display: grid; gap: var(--sp-2); }
      legend { display: contents; }
      .becomes { font-size: var(--sp-fs-s); color: var(--sp-text-2); }
      textarea { min-height: 54px; font: inherit; }
    `,
  ]
  static override properties = {
    expiry: { attribute: false },
    client: { attribute: false },
    chosen: { state: true },
    busy: { state: true },
    code: { state: true },
  }
  /** The end, as the newest state message tells it. */
  declare expiry: Expiry | undefined
  /** What moves it. */
  declare client: ExtendClient | undefined
  declare private chosen: number // which of the ends
  declare private busy: boolean
  declare private code: string

  constructor() {
    super()
    this.expiry = undefined
    this.client = undefined
    this.chosen = 0
    this.busy = false
    this.code = ''
  }

  override focus(): void {
    this.part$('.choices input:checked, .acts .primary, .acts .btn')?.focus()
  }

  protected override firstUpdated(_: PropertyValues): void {
    this.setAttribute('role', 'dialog')
    this.setAttribute('aria-label', t('extend'))
  }

  override render() {
    const e = this.expiry
    return html`<div class="head">
        ${icon('clock')}
        <h2 class="grow">${t('extend')}</h2>
        <button class="btn ghost icon small" aria-label=${t('close_panel')} title=${t('close_panel')} @click=${(ev: MouseEvent) => this.#close(ev.detail === 0)}>${icon('x')}</button>
      </div>
      <div class="body">${e ? this.#body(e) : nothing} ${this.#fault()}</div>`
  }

  #body(e: Expiry) {
    switch (e.extend) {
      case 'pending':
        return html`<p class="note" role="status">${icon('clock')}<span>${t('extend_waits', { at: clock(e.at) })}</span></p>
          <div class="acts"><span class="grow"></span>
            <button class="btn small" ?disabled=${this.busy} @click=${() => this.#do((c) => c.withdraw(e.request))}>${t('rq_withdraw')}</button></div>`
      case 'approved':
        return html`<p class="note" role="status">${icon('check')}<span>${t('extend_approved', { at: clock(e.at), to: clock(e.to) })}</span></p>
          <div class="acts"><span class="grow"></span>
            <button class="btn small primary" ?disabled=${this.busy} @click=${() => this.#do((c) => c.extend(), true)}>${t('extend_to', { to: clock(e.to) })}</button></div>`
      case 'now':
      case 'request':
        return this.#choose(e, e.extend === 'request')
      default:
        return html`<p class="note">${icon('info')}<span>${t('extend_not', { at: clock(e.at) })}</span></p>`
    }
  }

  #choose(e: Expiry, asks: boolean) {
    const ends = laterEnds(e)
    const chosen = ends[Math.min(this.chosen, ends.length - 1)]
    if (!chosen) return html`<p class="note">${icon('info')}<span>${t('extend_not', { at: clock(e.at) })}</span></p>`
    return html`<fieldset>
        <legend></legend>
        <span class="label" id="ends">${t('extend_end')}<span class="opt">${t('extend_latest', { to: clock(e.latest) })}</span></span>
        <div class="choices" role="radiogroup" aria-labelledby="ends">
          ${ends.map(
            (c, i) =>
              html`<label><input type="radio" name="end" .checked=${c === chosen} @change=${() => {
                this.chosen = i
              }}><span>${c.minutes ? minutes(c.minutes) : t('extend_until', { to: clock(c.to) })}</span></label>`,
          )}
        </div>
        <p class="becomes" role="status">${t('extend_becomes', { at: clock(e.at), to: clock(chosen.to) })}</p>
      </fieldset>
      ${
        asks
          ? html`<label class="label" for="why">${t('reason')}<span class="opt">${t('rq_reason_hint')}</span></label>
            <textarea id="why" maxlength="1000" dir="auto"></textarea>`
          : nothing
      }
      <div class="acts"><span class="grow"></span>
        <button class="btn small primary" ?disabled=${this.busy} @click=${() => this.#go(chosen.to, asks)}>
          ${asks ? t('ask_access') : t('extend_to', { to: clock(chosen.to) })}
        </button>
      </div>`
  }

  #fault() {
    if (!this.code) return nothing
    const words = codeText(this.code)
    return html`<p class="note danger" role="alert">${icon('warn')}<span>${this.code === 'unreachable' ? t('unreachable') : `${words.title}. ${words.text}`}</span></p>`
  }

  async #go(to: number, asks: boolean): Promise<void> {
    const why = this.part$<HTMLTextAreaElement>('#why')?.value.trim() ?? ''
    await this.#do((c) => (asks ? c.ask(to, why) : c.extend(to)), !asks)
  }

  // What comes of it is told by the next state message.
  async #do(act: (c: ExtendClient) => Promise<unknown>, closes = false): Promise<void> {
    if (!this.client || this.busy) return
    this.busy = true
    this.code = ''
    try {
      await act(this.client)
      if (closes) this.#close(false)
    } catch (err) {
      this.code = err instanceof Refused ? err.code : 'unreachable'
    } finally {
      this.busy = false
    }
  }

  #close(byKey: boolean): void {
    this.dispatchEvent(new CustomEvent('sp-panel-close', { detail: byKey }))
  }
}

/** A time of day. */
function clock(ms: number): string {
  return Number.isFinite(ms)
    ? new Intl.DateTimeFormat(locale(), { hour: '2-digit', minute: '2-digit', hour12: false }).format(ms)
    : ''
}

function minutes(n: number): string {
  const [count, unit] = n % 60 === 0 ? [n / 60, 'hour'] : [n, 'minute']
  return new Intl.NumberFormat(locale(), { style: 'unit', unit: String(unit), unitDisplay: 'short' }).format(
    Number(count),
  )
}
