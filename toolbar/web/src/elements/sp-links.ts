import { css, html, nothing } from 'lit'
import { locale, t } from '../i18n/index.js'
import type { LinkDoubt, LinkTarget } from '../term/link.js'
import { SpElement } from './base.js'
import { icon } from './icons.js'

const doubts = {
  other_host: 'link_other_host',
  punycode: 'link_punycode',
  userinfo: 'link_userinfo',
} as const satisfies Record<LinkDoubt, string>

/** How near the edge of the session it may stand, in pixels. */
const EDGE = 8

/**
 * Where links of the target truly lead (S08, S21): one that was clicked, or all on the screen. The session is left only
 * by a click on the address itself shown here.
 *
 * @fires sp-link-open - detail: the address that the user opens
 * @fires sp-panel-close - the user closes it
 */
export class SpLinks extends SpElement {
  static override styles = [
    SpElement.styles,
    css`
      :host { position: absolute; z-index: var(--sp-z-panel); left: var(--sp-x, 50%); top: var(--sp-y, 62px); width: 420px; max-width: calc(100% - 16px); max-height: calc(100% - 16px); display: flex; flex-direction: column; border: 1px solid var(--sp-line-strong); border-radius: var(--sp-r-l); background: var(--sp-raised); box-shadow: var(--sp-e3); overflow: hidden; }
      .head { display: flex; align-items: center; gap: var(--sp-2); min-height: 44px; padding: 0 6px 0 var(--sp-4); border-bottom: 1px solid var(--sp-line); flex: none; }
      .head .i { color: var(--sp-text-2); }
      h2 { font-size: var(--sp-fs-l); font-weight: var(--sp-w-bold); }
      ul { overflow: auto; min-height: 0; }
      li { display: grid; gap: var(--sp-2); padding: var(--sp-3) var(--sp-4); }
      li + li { border-top: 1px solid var(--sp-line); }
      .url { max-height: 114px; overflow: auto; font: var(--sp-fs-s) / 19px var(--sp-mono); color: var(--sp-text-2); overflow-wrap: anywhere; direction: ltr; unicode-bidi: isolate; text-align: left; }
      .url b { color: var(--sp-text); font-weight: var(--sp-w-bold); }
      .doubt { display: flex; gap: 6px; font-size: var(--sp-fs-s); line-height: 18px; color: var(--sp-warn); }
      .doubt .i { width: 14px; height: 14px; margin-top: 2px; }
      .cutoff { font-size: var(--sp-fs-s); line-height: 18px; color: var(--sp-text-3); }
      .acts { display: flex; justify-content: flex-end; gap: var(--sp-2); }
      .empty { padding: var(--sp-4); color: var(--sp-text-2); }
      @media (max-width: 720px) {
        :host { left: 0; right: 0; top: auto; bottom: 0; width: auto; max-width: none; max-height: 70%; border-radius: 12px 12px 0 0; }
      }
    `,
  ]
  static override properties = { targets: { attribute: false }, at: { attribute: false } }
  /** What the links lead to. */
  declare targets: LinkTarget[]
  /** Where the link is, in pixels of the session; undefined: the list of all links, in the middle. */
  declare at: { x: number; y: number } | undefined

  constructor() {
    super()
    this.targets = []
    this.at = undefined
  }

  /** Puts the focus on the first link, or on Close if there is none. */
  override focus(): void {
    ;(this.part$('a') ?? this.part$('button'))?.focus()
  }

  protected override firstUpdated(): void {
    this.setAttribute('role', 'dialog')
  }

  protected override updated(): void {
    this.setAttribute('aria-label', this.#title())
    const room = this.parentElement
    if (!room) return
    const x = this.at ? this.at.x - 24 : (room.clientWidth - this.offsetWidth) / 2
    const below = this.at ? this.at.y + 14 : 62
    const above = (this.at?.y ?? 0) - 14 - this.offsetHeight
    const y = below + this.offsetHeight + EDGE > room.clientHeight && above > EDGE ? above : below
    const inside = (v: number, most: number): string => `${Math.max(EDGE, Math.min(v, most - EDGE))}px`
    this.style.setProperty('--sp-x', inside(x, room.clientWidth - this.offsetWidth))
    this.style.setProperty('--sp-y', inside(y, room.clientHeight - this.offsetHeight))
  }

  #title(): string {
    return this.at ? t('link_title') : t('links_title')
  }

  override render() {
    return html`<div class="head" @keydown=${(e: KeyboardEvent) => this.#key(e)}>
        ${icon('link')}
        <h2 id="title" class="grow">${this.#title()}</h2>
        <button class="btn ghost icon small" aria-label=${t('close_panel')} title=${t('close_panel')} @click=${() => this.#close()}>${icon('x')}</button>
      </div>
      ${this.targets.length === 0 ? html`<p class="empty">${t('link_none')}</p>` : nothing}
      <ul @keydown=${(e: KeyboardEvent) => this.#key(e)}>
        ${this.targets.map((x) => this.#link(x))}
      </ul>`
  }

  #link(x: LinkTarget) {
    const n = new Intl.NumberFormat(locale())
    return html`<li>
      <p class="url" dir="ltr" translate="no">${x.before}<b>${x.host}</b>${x.after}</p>
      ${x.cut > 0 ? html`<p class="cutoff num">${t('link_cut', { n: n.format(x.cut) })}</p>` : nothing}
      ${x.doubts.map((d) => html`<p class="doubt">${icon('warn')}<span>${t(doubts[d])}</span></p>`)}
      <div class="acts">
        <a class="btn small ${this.at ? 'primary' : ''}" href=${x.href} target="_blank" rel="noopener noreferrer" referrerpolicy="no-referrer"
          aria-label="${t('link_open')}: ${x.host}" @click=${() => this.#opened(x)}>${icon('window')}${t('link_open')}</a>
      </div>
    </li>`
  }

  #opened(x: LinkTarget): void {
    this.dispatchEvent(new CustomEvent('sp-link-open', { detail: x.href }))
    // The browser follows the link after this; then the popover has done its part.
    if (this.at) setTimeout(() => this.#close())
  }

  #key(e: KeyboardEvent): void {
    e.stopPropagation()
    if (e.key === 'Escape') {
      e.preventDefault()
      return this.#close()
    }
    const links = [...this.renderRoot.querySelectorAll<HTMLElement>('a')]
    const step = { ArrowDown: 1, ArrowUp: -1 }[e.key]
    if (step === undefined || links.length === 0) return
    e.preventDefault()
    const at = links.indexOf((e.composedPath()[0] as HTMLElement) ?? this)
    links[(at + step + links.length) % links.length]?.focus()
  }

  #close(): void {
    this.dispatchEvent(new CustomEvent('sp-panel-close'))
  }
}
