import { css, html, nothing } from 'lit'
import { countdown } from '../core/expiry.js'
import { t } from '../i18n/index.js'
import { SpElement } from './base.js'
import { icon } from './icons.js'

/** The time that is left of an approval, h:mm:ss (I2). It counts while it is shown. */
export class SpCountdown extends SpElement {
  static override styles = [
    SpElement.styles,
    css`
      :host { display: inline-flex; }
      .left { display: inline-flex; align-items: center; gap: 6px; height: var(--sp-h-tool); padding: 0 9px; white-space: nowrap; font-variant-numeric: tabular-nums; }
      .left .i { color: var(--sp-text-2); }
      .warn, .warn .i { color: var(--sp-warn); }
      .danger, .danger .i { color: var(--sp-danger); }
      .danger { font-weight: var(--sp-w-bold); }
    `,
  ]
  static override properties = { left: { attribute: false }, now: { state: true } }
  /** Asks for the milliseconds that are left. */
  declare left: () => number | undefined
  declare private now: number
  #timer: ReturnType<typeof setInterval> | undefined

  constructor() {
    super()
    this.left = () => undefined
    this.now = 0
  }

  override connectedCallback(): void {
    super.connectedCallback()
    this.#timer = setInterval(() => {
      this.now++
    }, 500) // half a second: no second is skipped
  }

  override disconnectedCallback(): void {
    clearInterval(this.#timer)
    super.disconnectedCallback()
  }

  override render() {
    const left = this.left()
    if (left === undefined) return nothing
    const tone = left <= 60_000 ? 'danger' : left <= 15 * 60_000 ? 'warn' : ''
    const text = countdown(left)
    return html`<span class="left ${tone}" role="timer" aria-label=${t('expiry_left', { time: text })} title=${t('expiry_left', { time: text })}>
      ${icon('clock')}<span>${text}</span></span>`
  }
}
