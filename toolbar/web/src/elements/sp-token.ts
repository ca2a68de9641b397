import { css, html, nothing } from 'lit'
import type { Refused } from '../core/gateway.js'
import { minutesLeft, TOKEN_DIGITS, tokenOf } from '../core/token.js'
import { inTime, t, timeSpan } from '../i18n/index.js'
import { SpElement } from './base.js'
import { icon } from './icons.js'

type Fault =
  | { kind: 'none' }
  | { kind: 'missing' }
  | { kind: 'short' }
  | { kind: 'wrong'; left: number; lock: number }
  | { kind: 'locked'; until: number }

/** Codes that this field shows itself. */
const own: ReadonlySet<string> = new Set(['mfa_required', 'mfa_invalid', 'mfa_locked'])

/**
 * The field for a second factor (L4): six digits, typed or pasted. The token is kept nowhere but in the field, and there
 * until it is used, refused or the dialog closes.
 */
export class SpToken extends SpElement {
  static override styles = [
    SpElement.styles,
    css`
      :host { display: flex; align-items: center; gap: 12px; padding: 10px 12px; border: 1px solid var(--sp-accent-line); border-radius: 8px; background: var(--sp-accent-soft); }
      .i { color: var(--sp-accent-text); }
      label { font-weight: var(--sp-w-bold); }
      p { font-size: var(--sp-fs-s); line-height: 16px; color: var(--sp-text-2); }
      input { width: 208px; max-width: 100%; height: 40px; padding: 0 var(--sp-3); border: 1px solid var(--sp-control); border-radius: var(--sp-r); background: var(--sp-field); font: var(--sp-w-medium) 18px/1 var(--sp-mono); letter-spacing: 9px; }
      input::placeholder { color: var(--sp-text-3); opacity: 1; }
      input:focus-visible { outline-offset: -1px; border-color: var(--sp-focus); }
      :host([bad]) { border-color: var(--sp-danger); background: var(--sp-danger-soft); }
      :host([bad]) .i, :host([bad]) p { color: var(--sp-danger); }
      :host([bad]) input { border-color: var(--sp-danger); }
      @media (pointer: coarse) { input { height: var(--sp-h-touch); } }
      @media (max-width: 720px) { :host { flex-wrap: wrap; } .grow { flex-basis: 0; } input { width: 100%; } }
    `,
  ]
  static override properties = { fault: { state: true }, bad: { type: Boolean, reflect: true } }
  declare private fault: Fault
  /** Whether what was entered is wrong; for the look. */
  declare bad: boolean
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor() {
    super()
    this.fault = { kind: 'none' }
    this.bad = false
  }

  override connectedCallback(): void {
    super.connectedCallback()
    this.live.signal.addEventListener('abort', () => {
      clearTimeout(this.#timer)
      this.clear()
    })
  }

  protected override willUpdate(): void {
    this.bad = this.fault.kind !== 'none'
  }

  /** The token, or nothing until it is whole. */
  get token(): string {
    const token = this.#input?.value ?? ''
    return token.length === TOKEN_DIGITS ? token : ''
  }

  /** Whether the form may be sent; if not, the field says why and takes the focus. */
  ready(): boolean {
    if (this.fault.kind === 'locked') {
      this.focus()
      return false
    }
    const value = this.#input?.value ?? ''
    this.fault =
      value.length === TOKEN_DIGITS ? { kind: 'none' } : value === '' ? { kind: 'missing' } : { kind: 'short' }
    if (this.fault.kind !== 'none') this.focus()
    return this.fault.kind === 'none'
  }

  /** Takes a refusal. The answer is whether it is shown here; then the token is gone and the field has the focus. */
  refused(r: Refused): boolean {
    if (!own.has(r.code)) return false
    clearTimeout(this.#timer)
    this.clear()
    if (r.code === 'mfa_locked') this.#lock(performance.now() + r.again.after * 1000)
    else if (r.code === 'mfa_invalid')
      this.fault = { kind: 'wrong', left: r.again.tries?.left ?? 0, lock: r.again.tries?.lock ?? 0 }
    else this.fault = { kind: 'missing' }
    this.focus()
    return true
  }

  /** Empties the field. */
  clear(): void {
    const input = this.#input
    if (input) input.value = ''
  }

  override focus(): void {
    void this.updateComplete.then(() => this.#input?.focus())
  }

  override render() {
    return html`${icon('shield', 'i i-l')}
      <div class="grow">
        <label for="token">${t('token')}</label>
        <p id="hint" role=${this.bad ? 'alert' : nothing}>${this.#hint()}</p>
      </div>
      <input id="token" type="text" inputmode="numeric" autocomplete="one-time-code" autocapitalize="off" spellcheck="false"
        placeholder=${'·'.repeat(TOKEN_DIGITS)} aria-describedby="hint" aria-invalid=${this.bad ? 'true' : 'false'} @input=${() => this.#typed()} />`
  }

  get #input(): HTMLInputElement | null {
    return this.part$<HTMLInputElement>('input')
  }

  #hint(): string {
    const f = this.fault
    switch (f.kind) {
      case 'none':
        return t('token_hint')
      case 'missing':
        return t('token_missing')
      case 'short':
        return t('token_short')
      case 'wrong':
        if (f.left < 1) return t('token_wrong')
        return t(f.left === 1 ? 'token_wrong_last' : 'token_wrong_left', { left: f.left, pause: timeSpan(f.lock) })
      case 'locked':
        // Minutes, so that a screen reader is not told every second.
        return t('token_locked', { when: inTime(minutesLeft(f.until, performance.now()) * 60) })
      default:
        return f satisfies never
    }
  }

  #typed(): void {
    const input = this.#input
    if (!input) return
    const token = tokenOf(input.value)
    if (token !== input.value) input.value = token
    if (this.fault.kind !== 'locked') this.fault = { kind: 'none' }
  }

  #lock(until: number): void {
    const left = until - performance.now()
    this.fault = left > 0 ? { kind: 'locked', until } : { kind: 'none' }
    if (left > 0) this.#timer = setTimeout(() => this.#lock(until), left % 60_000 || 60_000)
  }
}
