import { html, nothing } from 'lit'
import { Backoff } from '../core/backoff.js'
import { Refused } from '../core/gateway.js'
import { type AccessRequest, isOpen } from '../core/request.js'
import { codeText, paramLabel, t } from '../i18n/index.js'
import { apiBase, sameOrigin } from '../net/http.js'
import { close, decide, fetchRequest } from '../net/requests.js'
import { SpElement } from './base.js'
import { icon } from './icons.js'
import { initials } from './names.js'
import { requestStyles } from './request.styles.js'
import { moment, operation, rightsOf, stateMark, when } from './request-words.js'
import type { SpAccessButton } from './sp-access-button.js'

/** The longest that a timer can wait for. */
const MAX_WAIT = 2 ** 31 - 1

/**
 * The View Request screen (Q5): how far a request is, who said what, what was asked for. It moves on by itself, offers the
 * session when its time has come, and the decision to those who may decide.
 *
 * @attr request-id - the request
 * @attr base - the address of the broker's mount, on this origin; default: where the bundle came from
 * @attr theme - light or dark; default: as the page
 */
export class SpRequest extends SpElement {
  static override styles = [SpElement.styles, requestStyles]
  static override properties = {
    requestId: { attribute: 'request-id' },
    base: {},
    request: { state: true },
    now: { state: true },
    code: { state: true },
    noteMissing: { state: true },
    busy: { state: true },
  }
  declare requestId: string
  declare base: string
  declare private request: AccessRequest | undefined
  declare private now: number
  declare private code: string
  declare private noteMissing: boolean
  declare private busy: boolean
  #timer = 0

  constructor() {
    super()
    this.requestId = ''
    this.base = ''
    this.request = undefined
    this.now = Date.now()
    this.code = ''
    this.noteMissing = false
    this.busy = false
  }

  override connectedCallback(): void {
    super.connectedCallback()
    void this.#follow(this.live.signal)
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    window.clearTimeout(this.#timer)
  }

  /** Asks for news until nothing can come any more. The gateway holds each question until there are some. */
  async #follow(signal: AbortSignal): Promise<void> {
    const backoff = new Backoff({ first: 1000, max: 30_000, random: Math.random })
    for (;;) {
      try {
        const r = await fetchRequest(apiBase(this.base), this.requestId, signal, this.request?.revision)
        this.#show(r)
        backoff.reset()
        if (!isOpen(r)) return
      } catch (err) {
        if (signal.aborted) return
        const code = err instanceof Refused ? err.code : 'unreachable'
        if (!this.request) this.code = code
        if (code === 'not_found' || code === 'unauthenticated') {
          this.code = code
          return
        }
        await pause(Math.max(500, backoff.next()), signal)
      }
    }
  }

  #show(r: AccessRequest): void {
    if (this.request && r.revision < this.request.revision) return // an answer that was overtaken
    if (this.code === 'unreachable') this.code = ''
    this.request = r
    this.now = Date.now()
    window.clearTimeout(this.#timer)
    const next = [r.from, r.to].map(Date.parse).filter((at) => at > this.now)
    if (r.state === 'approved' && next.length > 0) {
      this.#timer = window.setTimeout(() => this.#show(r), Math.min(MAX_WAIT, Math.min(...next) - this.now + 250))
    }
    // The gateway's clock decides, and not ours.
    void this.updateComplete.then(() => this.part$<SpAccessButton>('sp-access-button')?.refresh())
  }

  override render() {
    const r = this.request
    if (!r)
      return this.code ? this.#message() : html`<span class="spin" role="status" aria-label=${t('loading')}></span>`
    return html`<div class="rgrid">
      <div class="acol">${this.#decision(r)}${this.#progress(r)}</div>
      <aside class="acol">${this.#what(r)}${r.expires ? html`<p class="note">${icon('info')}<span>${t('rq_expires', { at: moment(r.expires) })}</span></p>` : nothing}</aside>
    </div>`
  }

  #message() {
    if (!this.code) return nothing
    const words = codeText(this.code)
    return html`<p class="note danger" role="alert">${icon('warn')}<span>${
      this.code === 'unreachable' ? t('unreachable') : html`<b>${words.title}.</b> ${words.text}`
    }</span></p>`
  }

  #progress(r: AccessRequest) {
    const s = stateMark(r.state)
    return html`<section class="box" aria-labelledby="progress">
      <header>
        <h2 id="progress">${t('rq_progress')}</h2><span class="grow"></span>
        <span role="status" class="badge ${s.tone}">${icon(s.mark)}${s.text}</span>
      </header>
      <ol class="lv">
        <li class="done"><span class="lm">${icon('check')}</span>
          <div class="grow"><b>${t('rq_asked')}</b><div class="muted"><bdi>${r.userName}</bdi>, ${moment(r.created)}</div></div></li>
        ${r.levels.map((_, i) => this.#level(r, i))}
        <li class=${r.state === 'approved' ? 'now' : ''}><span class="lm">${icon('enter')}</span>
          <div class="grow"><b>${operation(r)}</b><div class="muted">${r.state === 'pending' ? t('rq_after') : when(r)}</div></div></li>
      </ol>
      ${this.#ready(r)} ${r.may.decide ? nothing : html`<div class="pad" ?hidden=${!this.code}>${this.#message()}</div>`} ${this.#foot(r)}
    </section>`
  }

  #level(r: AccessRequest, i: number) {
    const level = r.levels[i]
    if (!level) return nothing
    const agreed = level.votes.filter((v) => v.approve).length
    const refused = level.votes.some((v) => !v.approve)
    const look = refused
      ? 'no'
      : agreed >= level.required
        ? 'done'
        : r.state === 'pending' && r.level === i
          ? 'now'
          : ''
    const mark = { no: 'ban', done: 'check', now: 'clock', '': 'shieldPlain' } as const
    return html`<li class=${look} aria-current=${look === 'now' ? 'step' : nothing}>
      <span class="lm">${icon(mark[look])}</span>
      <div class="grow">
        <b dir="auto">${t('rq_level', { n: i + 1, name: level.name })}</b>
        <div class="muted">${t('rq_agreed', { n: agreed, all: level.required })}</div>
        ${level.votes.map(
          (v) => html`<div class="say"><span class="who" aria-hidden="true">${initials(v.name)}</span><div class="grow">
            <bdi><b>${v.name}</b></bdi> <span class=${v.approve ? 'ok' : 'danger'}>${t(v.approve ? 'rq_said_yes' : 'rq_said_no')}</span>
            <span class="quiet">${moment(v.at)}</span>${v.note ? html`<p class="muted" dir="auto">${v.note}</p>` : nothing}</div></div>`,
        )}
      </div>
    </li>`
  }

  // Its requester alone may withdraw: so it is theirs to use. What is for a running session is used there.
  #ready(r: AccessRequest) {
    if (r.state !== 'approved' || !r.may.withdraw || r.operation !== 'asset.access') return nothing
    const begun = this.now >= Date.parse(r.from)
    return html`<div class="pad"><div class="note ok" role="status">${icon('check')}<span class="grow">${
      begun ? t('rq_ready') : t('rq_ready_at', { at: moment(r.from) })
    }</span>${begun ? html`<sp-access-button asset=${r.asset.id} base=${this.base}></sp-access-button>` : nothing}</div></div>`
  }

  #foot(r: AccessRequest) {
    const back = sameOrigin(r.asset.url)
    return html`<div class="foot">
      <span class="quiet">${isOpen(r) ? t('rq_moves') : r.closedNote}</span><span class="grow"></span>
      ${back ? html`<a class="btn" href=${back}>${t('back_to_asset')}</a>` : nothing}
      ${r.may.withdraw ? html`<button class="btn" ?disabled=${this.busy} @click=${() => this.#close('withdraw')}>${t(r.state === 'pending' ? 'rq_withdraw' : 'rq_give_back')}</button>` : nothing}
      ${r.may.revoke && !r.may.withdraw && !r.may.decide ? html`<button class="btn danger" ?disabled=${this.busy} @click=${() => this.#close('revoke')}>${t('rq_revoke')}</button>` : nothing}
    </div>`
  }

  #decision(r: AccessRequest) {
    if (!r.may.decide) return nothing
    return html`<section class="box" aria-labelledby="decide">
      <header><h2 id="decide">${t('rq_decide')}</h2></header>
      <div class="pad">
        ${this.#message()}
        <div>
          <label class="label" for="note">${t('rq_note')}<span class="opt">${t('rq_note_hint')}</span></label>
          <textarea id="note" maxlength="1000" dir="auto" aria-invalid=${this.noteMissing} aria-describedby="note-bad"></textarea>
          <p class="hint bad" id="note-bad" role="alert" ?hidden=${!this.noteMissing}>${t('rq_note_missing')}</p>
        </div>
      </div>
      <div class="foot"><span class="grow"></span>
        <button class="btn danger" ?disabled=${this.busy} @click=${() => this.#decide(r, false)}>${t('rq_reject')}</button>
        <button class="btn primary" ?disabled=${this.busy} @click=${() => this.#decide(r, true)}>${t('rq_approve')}</button>
      </div>
    </section>`
  }

  #what(r: AccessRequest) {
    const rights = rightsOf(r)
    const back = sameOrigin(r.asset.url)
    return html`<section class="box" aria-labelledby="what">
      <header><h2 id="what">${t('rq_what')}</h2></header>
      <dl class="kv">
        <dt>${t('rq_asset')}</dt><dd dir="auto">${back ? html`<a href=${back}>${r.asset.name}</a>` : r.asset.name}</dd>
        <dt>${t('rq_operation')}</dt><dd>${operation(r)}</dd>
        <dt>${t('rq_person')}</dt><dd dir="auto">${r.userName}</dd>
        <dt>${t('rq_when')}</dt><dd class="num">${when(r)}</dd>
        <dt>${t('rq_exclusive')}</dt><dd>${t(r.exclusive ? 'rq_yes' : 'rq_no')}</dd>
        ${r.ticket ? html`<dt>${t('ticket')}</dt><dd dir="auto">${r.ticket}</dd>` : nothing}
        ${rights ? html`<dt>${t('rq_rights')}</dt><dd>${rights}</dd>` : nothing}
      </dl>
      ${r.message ? html`<div class="said"><div class="label">${t('reason')}</div><p dir="auto">${r.message}</p></div>` : nothing}
      ${this.#settings(r)}
    </section>`
  }

  #settings(r: AccessRequest) {
    const set = Object.entries(r.params).filter(([, value]) => value !== '')
    if (set.length === 0) return nothing
    return html`<details class="said"><summary>${t('rq_settings')}</summary><dl class="kv">${set.map(
      ([name, value]) => html`<dt>${paramLabel(name, name)}</dt><dd class="mono" dir="auto">${value}</dd>`,
    )}</dl></details>`
  }

  async #decide(r: AccessRequest, approve: boolean): Promise<void> {
    const field = this.part$<HTMLTextAreaElement>('#note')
    const note = field?.value.trim() ?? ''
    this.noteMissing = !approve && note === ''
    if (this.noteMissing) return field?.focus()
    await this.#act(() => decide(apiBase(this.base), r, approve, note))
  }

  #close(how: 'withdraw' | 'revoke'): Promise<void> {
    return this.#act(() => close(apiBase(this.base), this.requestId, how))
  }

  // What was refused has moved on meanwhile: the newest state is shown with the reason.
  async #act(what: () => Promise<AccessRequest>): Promise<void> {
    if (this.busy) return
    this.busy = true
    this.code = ''
    try {
      this.#show(await what())
    } catch (err) {
      this.code = err instanceof Refused ? err.code : 'unreachable'
      if (err instanceof Refused) {
        await fetchRequest(apiBase(this.base), this.requestId, this.live.signal).then(
          (r) => this.#show(r),
          () => undefined, // what is shown stays, with the reason
        )
      }
    } finally {
      this.busy = false
    }
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = window.setTimeout(resolve, ms)
    signal.addEventListener(
      'abort',
      () => {
        window.clearTimeout(timer)
        resolve()
      },
      { once: true },
    )
  })
}
