import { css, html, nothing } from 'lit'
import { Refused } from '../core/gateway.js'
import type { AccessRequest } from '../core/request.js'
import { codeText, t } from '../i18n/index.js'
import { apiBase, sameOrigin } from '../net/http.js'
import { fetchRequests, type RequestView } from '../net/requests.js'
import { SpElement } from './base.js'
import { icon } from './icons.js'
import { requestStyles } from './request.styles.js'
import { stateMark, when } from './request-words.js'

/** How often the list is asked for anew while it is looked at, in milliseconds. */
const EVERY = 15_000

/**
 * The list of access requests: those to decide about, one's own and, for site roles, all. Each leads to its page, where it
 * is decided about.
 *
 * @attr requests - the host's address of its pages of requests, on this origin; each request's is its id below it
 * @attr base - the address of the broker's mount, on this origin; default: where the bundle came from
 * @attr all - whether there is a list of everybody's
 * @attr theme - light or dark; default: as the page
 */
export class SpRequests extends SpElement {
  static override styles = [
    SpElement.styles,
    requestStyles,
    css`
      .tabs { display: flex; gap: 4px; margin-bottom: 16px; border-bottom: 1px solid var(--sp-line); }
      .tabs button { height: 36px; padding: 0 10px; border: 0; border-bottom: 2px solid transparent; background: none; color: var(--sp-text-2); white-space: nowrap; }
      .tabs button[aria-selected='true'] { color: var(--sp-text); font-weight: var(--sp-w-medium); border-bottom-color: var(--sp-accent-text); }
      .tabs button:focus-visible { outline-offset: -2px; }
      table { width: 100%; border-collapse: collapse; table-layout: fixed; }
      th { height: 32px; padding: 0 16px; background: var(--sp-sunken); color: var(--sp-text-2); font-size: var(--sp-fs-xs); font-weight: var(--sp-w-normal); text-align: start; }
      td { padding: 8px 16px; border-top: 1px solid var(--sp-line); overflow: hidden; text-overflow: ellipsis; }
      td a { font-weight: var(--sp-w-medium); }
      .empty { padding: 32px 16px; text-align: center; color: var(--sp-text-2); }
      @media (max-width: 720px) {
        thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
        table, tbody { display: block; }
        tr { display: grid; gap: 4px; padding: 12px 16px; border-top: 1px solid var(--sp-line); }
        td { padding: 0; border: 0; }
        .tabs { overflow-x: auto; }
        .tabs button { height: var(--sp-h-touch); }
      }
    `,
  ]
  static override properties = {
    requests: {},
    base: {},
    all: { type: Boolean },
    view: { state: true },
    list: { state: true },
    code: { state: true },
  }
  declare requests: string
  declare base: string
  declare all: boolean
  declare private view: RequestView
  declare private list: AccessRequest[] | undefined
  declare private code: string

  constructor() {
    super()
    this.requests = ''
    this.base = ''
    this.all = false
    this.view = 'decide'
    this.list = undefined
    this.code = ''
  }

  override connectedCallback(): void {
    super.connectedCallback()
    const timer = window.setInterval(() => {
      if (document.visibilityState === 'visible') void this.refresh()
    }, EVERY)
    this.live.signal.addEventListener('abort', () => window.clearInterval(timer))
  }

  protected override firstUpdated(): void {
    void this.refresh()
  }

  /** Asks the gateway again. */
  async refresh(): Promise<void> {
    const view = this.view
    try {
      const list = await fetchRequests(apiBase(this.base), view)
      if (view !== this.view) return
      this.list = list
      this.code = ''
    } catch (err) {
      if (view === this.view) this.code = err instanceof Refused ? err.code : 'unreachable'
    }
  }

  #views(): RequestView[] {
    return this.all ? ['decide', 'mine', 'all'] : ['decide', 'mine']
  }

  override render() {
    return html`<div class="tabs" role="tablist" aria-label=${t('rq_views')} @keydown=${(e: KeyboardEvent) => this.#key(e)}>
        ${this.#views().map(
          (
            v,
          ) => html`<button type="button" role="tab" id=${`tab-${v}`} aria-controls="list" aria-selected=${v === this.view} tabindex=${v === this.view ? 0 : -1}
            @click=${() => this.#choose(v)}>${t(`rq_list_${v}`)}</button>`,
        )}
      </div>
      <div class="box" id="list" role="tabpanel" aria-labelledby=${`tab-${this.view}`}>${this.#body()}</div>`
  }

  #body() {
    if (this.code) {
      const text = this.code === 'unreachable' ? t('unreachable') : codeText(this.code).text
      return html`<div class="pad"><p class="note danger" role="alert">${icon('warn')}<span>${text}</span></p></div>`
    }
    if (!this.list)
      return html`<div class="empty"><span class="spin" role="status" aria-label=${t('loading')}></span></div>`
    if (this.list.length === 0) return html`<p class="empty" role="status">${t(`rq_none_${this.view}`)}</p>`
    return html`<table>
      <thead><tr><th scope="col">${t('rq_asset')}</th><th scope="col">${t('rq_person')}</th><th scope="col">${t('rq_when')}</th><th scope="col">${t('reason')}</th><th scope="col">${t('rq_state')}</th></tr></thead>
      <tbody>${this.list.map((r) => this.#row(r))}</tbody>
    </table>`
  }

  #row(r: AccessRequest) {
    const s = stateMark(r.state)
    const href = this.requests ? sameOrigin(this.requests + encodeURIComponent(r.id)) : ''
    const name = r.asset.name || r.asset.id
    return html`<tr>
      <td dir="auto">${href ? html`<a href=${href}>${name}</a>` : name}</td>
      <td dir="auto">${r.userName}</td>
      <td class="num muted">${when(r)}</td>
      <td class="muted cut" dir="auto" title=${r.message}>${r.message || nothing}</td>
      <td><span class="badge ${s.tone}">${icon(s.mark)}${s.text}</span></td>
    </tr>`
  }

  #choose(view: RequestView): void {
    if (view === this.view) return
    this.view = view
    this.list = undefined
    void this.refresh()
  }

  #key(e: KeyboardEvent): void {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[e.key]
    if (!step) return
    e.preventDefault()
    const views = this.#views()
    const to = views[(views.indexOf(this.view) + step + views.length) % views.length]
    if (!to) return
    this.#choose(to)
    void this.updateComplete.then(() => this.part$(`#tab-${to}`)?.focus())
  }
}
