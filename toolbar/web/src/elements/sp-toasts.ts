import { css, html, type PropertyValues } from 'lit'
import { repeat } from 'lit/directives/repeat.js'
import { t } from '../i18n/index.js'
import { SpElement } from './base.js'
import { type IconName, icon } from './icons.js'

/** One line of news. */
export interface Toast {
  text: string
  kind: 'ok' | 'info' | 'warn' | 'danger'
  /** What the message is about: a newer one about it takes its place, and withdraw takes it back. */
  about?: string
}

/** How long a toast stays, in milliseconds. Warnings stay until they are closed. */
const STAY = 8000
/** How many are shown at once; older ones go. */
const MOST = 4

const marks: Readonly<Record<Toast['kind'], IconName>> = {
  ok: 'checkCircle',
  info: 'info',
  warn: 'warn',
  danger: 'warn',
}

/**
 * Short messages at the bottom right. They are read out politely; dangers at once.
 *
 * @csspart toast - one message
 */
export class SpToasts extends SpElement {
  static override styles = [
    SpElement.styles,
    css`
      :host { position: absolute; z-index: var(--sp-z-toast); right: 16px; bottom: 16px; max-width: calc(100% - 32px); pointer-events: none; }
      :host([top]) { bottom: auto; top: 62px; }
      ul { display: grid; gap: 8px; justify-items: end; }
      .toast { pointer-events: auto; display: flex; align-items: center; gap: 10px; max-width: 100%; min-height: 40px; padding: 4px 6px 4px 12px; border: 1px solid var(--sp-line-strong); border-radius: var(--sp-r-l); background: var(--sp-raised); box-shadow: var(--sp-e2); animation: sp-rise var(--sp-t) var(--sp-ease); }
      .toast > span { flex: 1; overflow-wrap: anywhere; }
      .toast > .i { color: var(--sp-ok); }
      .toast.info > .i { color: var(--sp-text-2); }
      .toast.warn > .i { color: var(--sp-warn); }
      .toast.danger > .i { color: var(--sp-danger); }
      @keyframes sp-rise { from { opacity: 0; transform: translateY(4px); } }
      @media (prefers-reduced-motion: reduce) { .toast { animation: none; } }
      @media (max-width: 720px) { :host { left: 16px; } ul { justify-items: stretch; } }
    `,
  ]
  static override properties = { top: { type: Boolean, reflect: true }, toasts: { state: true } }
  /** Whether they stand at the top, away from the cursor. */
  declare top: boolean
  declare private toasts: (Toast & { id: number; timer: ReturnType<typeof setTimeout> | undefined })[]
  #next = 0

  constructor() {
    super()
    this.top = false
    this.toasts = []
  }

  /** Shows a message. The same text is not shown twice at once. */
  show(text: string, kind: Toast['kind'] = 'info', about = ''): void {
    for (const old of this.toasts) if (old.text === text) this.#drop(old.id)
    this.withdraw(about)
    const toast = { id: this.#next++, text, kind, about, timer: undefined as ReturnType<typeof setTimeout> | undefined }
    const over = this.toasts[this.toasts.length - MOST]
    if (over) this.#drop(over.id)
    this.toasts = [...this.toasts, toast]
    this.#count(toast.id)
  }

  /** Takes back what is not true any more. */
  withdraw(about: string): void {
    for (const old of this.toasts) if (about && old.about === about) this.#drop(old.id)
  }

  #count(id: number): void {
    const toast = this.toasts.find((x) => x.id === id)
    if (toast && (toast.kind === 'ok' || toast.kind === 'info')) toast.timer = setTimeout(() => this.#drop(id), STAY)
  }

  #hold(id: number): void {
    clearTimeout(this.toasts.find((x) => x.id === id)?.timer)
  }

  #drop(id: number): void {
    this.#hold(id)
    this.toasts = this.toasts.filter((x) => x.id !== id)
  }

  override disconnectedCallback(): void {
    for (const { id } of this.toasts) this.#hold(id)
    super.disconnectedCallback()
  }

  protected override firstUpdated(_: PropertyValues): void {
    this.setAttribute('role', 'log')
    this.setAttribute('aria-live', 'polite')
  }

  override render() {
    return html`<ul>
      ${repeat(
        this.toasts,
        (x) => x.id,
        (x) => html`<li class="toast ${x.kind}" part="toast" role=${x.kind === 'danger' ? 'alert' : 'listitem'}
          @pointerenter=${() => this.#hold(x.id)} @pointerleave=${() => this.#count(x.id)}>
          ${icon(marks[x.kind])}<span dir="auto">${x.text}</span>
          <button class="btn ghost icon small" aria-label=${t('dismiss')} @click=${() => this.#drop(x.id)}>${icon('x')}</button>
        </li>`,
      )}
    </ul>`
  }
}
