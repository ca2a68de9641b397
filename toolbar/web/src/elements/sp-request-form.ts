import { html, nothing } from 'lit'
import { Refused } from '../core/gateway.js'
import { type Access, check, fixed, type Workflow } from '../core/launch.js'
import { checkTime, quickTimes } from '../core/request.js'
import { hostEvent } from '../events.js'
import { codeText, t } from '../i18n/index.js'
import { apiBase, fetchAccess, sameOrigin } from '../net/http.js'
import { type Ask, askAccess } from '../net/requests.js'
import { utf8 } from '../net/window.js'
import { SpElement } from './base.js'
import { icon } from './icons.js'
import { type ParamForm, paramChecks, paramFields } from './param-fields.js'
import { requestStyles } from './request.styles.js'
import { lasting } from './request-words.js'

/** A moment as a field for date and time has it: of the browser's zone, without one in it. */
function local(ms: number): string {
  const at = new Date(ms)
  return new Date(ms - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16)
}

const field = (name: string): string => `p-${CSS.escape(name)}`

/**
 * The Access Request screen (Q4): for how long, why, and who decides.
 *
 * @attr asset - the asset's id
 * @attr base - the address of the broker's mount, on this origin; default: where the bundle came from
 * @attr requests - the host's address of its pages of requests, on this origin: the request that was made is shown below it
 * @attr theme - light or dark; default: as the page
 * @fires sp-requested - a request was made; detail: asset, request, url. Prevented: the host shows it
 */
export class SpRequestForm extends SpElement {
  static override styles = [SpElement.styles, requestStyles]
  static override properties = {
    asset: {},
    base: {},
    requests: {},
    access: { state: true },
    time: { state: true },
    values: { state: true },
    faults: { state: true },
    code: { state: true },
    busy: { state: true },
  }
  declare asset: string
  declare base: string
  declare requests: string
  declare private access: Access | undefined
  /** Seconds from the approval on; 0: the two fields say when. */
  declare private time: number
  declare private values: Record<string, string>
  /** What is wrong, in words, by the name of a parameter or the id of a field. */
  declare private faults: Record<string, string>
  declare private code: string
  declare private busy: boolean

  constructor() {
    super()
    this.asset = ''
    this.base = ''
    this.requests = ''
    this.access = undefined
    this.time = 0
    this.values = {}
    this.faults = {}
    this.code = ''
    this.busy = false
  }

  protected override firstUpdated(): void {
    void this.refresh()
  }

  /** Asks the gateway what is to be asked for. */
  async refresh(): Promise<void> {
    try {
      const access = await fetchAccess(apiBase(this.base), this.asset)
      this.values = Object.fromEntries(access.params.map((p) => [p.name, p.value || p.default]))
      const times = quickTimes(access.workflow?.longest ?? 0)
      this.time = times.includes(3600) ? 3600 : (times.at(-1) ?? 0)
      this.access = access
      this.code = access.workflow ? '' : access.code === 'allowed' ? 'request_not_needed' : access.code
    } catch (err) {
      this.code = err instanceof Refused ? err.code : 'unreachable'
    }
  }

  override render() {
    const a = this.access
    if (!a?.workflow) {
      return this.code
        ? html`${this.#message()}${this.#already()}`
        : html`<span class="spin" role="status" aria-label=${t('loading')}></span>`
    }
    return html`<div class="rgrid">${this.#form(a, a.workflow)}${this.#who(a.workflow)}</div>`
  }

  #message() {
    if (!this.code || Object.keys(this.faults).length > 0) return nothing
    const words = codeText(this.code, { asset: this.access?.asset.name ?? '' })
    return html`<p class="note danger" role="alert">${icon('warn')}<span>${
      this.code === 'unreachable' ? t('unreachable') : html`<b>${words.title}.</b> ${words.text}`
    }</span></p>`
  }

  #already() {
    const id = this.access?.request?.id
    const href = id ? this.#page(id) : ''
    return href ? html`<p class="pad"><a class="btn" href=${href}>${t('see_request')}</a></p>` : nothing
  }

  #form(a: Access, w: Workflow) {
    return html`<form class="box" novalidate autocomplete="off" @submit=${(e: SubmitEvent) => this.#submit(e, a, w)}>
      <div class="pad">
        <p class="note info">${icon('info')}<span>${t(w.once ? 'rq_once' : 'rq_many')}</span></p>
        ${this.#message()}
        <fieldset>
          <legend class="label">${t('rq_lasting_for')}</legend>
          <div class="chips">
            ${[...quickTimes(w.longest), 0].map(
              (s) =>
                html`<label class="chip"><input type="radio" name="time" .checked=${this.time === s} @change=${() => {
                  this.time = s
                }} />${s ? lasting(s) : t('rq_set_time')}</label>`,
            )}
          </div>
          ${this.time ? html`<p class="hint">${t('rq_begins', { time: lasting(w.longest) })}</p>` : nothing}
        </fieldset>
        ${this.time ? nothing : this.#times(w)}
        <div>
          <label class="label" for="reason">${t('reason')}<span class="opt">${t('rq_reason_hint')}</span></label>
          <textarea id="reason" maxlength="1000" dir="auto"></textarea>
        </div>
        <div>
          <label class="label" for="ticket">${t('ticket')}<span class="opt">${t(w.ticket ? 'rq_required' : 'optional')}</span></label>
          <input id="ticket" type="text" maxlength="200" dir="auto" spellcheck="false" placeholder=${t('ticket_hint')} aria-required=${w.ticket}
            aria-invalid=${this.faults.ticket ? 'true' : 'false'} aria-describedby="ticket-bad" />
          ${this.#bad('ticket')}
        </div>
        ${this.#exclusive(w)} ${this.#settings(a)}
      </div>
      <div class="foot">
        <span class="quiet">${t('rq_settings_hint')}</span><span class="grow"></span>
        <button class="btn primary" type="submit" ?disabled=${this.busy}>${t(this.busy ? 'rq_sending' : 'ask_access')}</button>
      </div>
    </form>`
  }

  #times(w: Workflow) {
    const now = Date.now()
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone
    const input = (id: string, label: string, ms: number) => html`<div>
      <label class="label" for=${id}>${label}</label>
      <input id=${id} type="datetime-local" class="num" value=${local(ms)} aria-invalid=${this.faults.to ? 'true' : 'false'} aria-describedby="to-hint to-bad" />
    </div>`
    return html`<div class="grid2">
      ${input('from', t('rq_from'), now)} ${input('to', t('rq_until'), now + Math.min(w.longest, 3600) * 1000)}
      <div class="span2"><p class="hint" id="to-hint">${t('rq_at_most', { time: lasting(w.longest), zone })}</p>${this.#bad('to')}</div>
    </div>`
  }

  #bad(id: string) {
    const text = this.faults[id]
    return html`<p class="hint bad" id=${`${id}-bad`} role="alert" ?hidden=${!text}>${text}</p>`
  }

  #exclusive(w: Workflow) {
    if (w.exclusive === 'unavailable') return nothing
    const always = w.exclusive === 'required'
    return html`<label class="check">
      <input id="exclusive" type="checkbox" ?checked=${always} ?disabled=${always} aria-describedby="exclusive-hint" />
      <span>${t('rq_exclusive')} <span class="quiet" id="exclusive-hint">${t('rq_exclusive_hint')}</span></span>
    </label>`
  }

  #settings(a: Access) {
    if (a.params.length === 0) return nothing
    const form: ParamForm = {
      params: a.params,
      values: this.values,
      faults: this.faults,
      set: (name, value) => {
        this.values = { ...this.values, [name]: value }
      },
    }
    return html`<details><summary>${t('rq_settings')}</summary><div class="grid2">${paramFields(form)}</div>${paramChecks(form)}</details>`
  }

  #who(w: Workflow) {
    return html`<aside class="acol"><section class="box" aria-labelledby="who">
      <header><h2 id="who">${t('rq_who')}</h2></header>
      <ol class="lv">${w.levels.map(
        (l) => html`<li><span class="lm">${icon('shieldPlain')}</span>
          <div class="grow"><b dir="auto">${l.name}</b><div class="muted">${t('rq_need', { n: l.required })}</div></div></li>`,
      )}</ol>
    </section></aside>`
  }

  #text(id: string): string {
    return this.part$<HTMLInputElement>(`#${id}`)?.value.trim() ?? ''
  }

  /** Reads the fields; what is wrong is in faults. */
  #read(a: Access, w: Workflow): Ask {
    const faults: Record<string, string> = {}
    const ask: Ask = { message: this.#text('reason'), ticket_id: this.#text('ticket') }
    if (this.time) {
      ask.lasting_seconds = this.time
    } else {
      const [from, to] = [Date.parse(this.#text('from')), Date.parse(this.#text('to'))]
      const fault = checkTime(from, to, Date.now(), w.longest)
      if (fault) faults.to = t(`rq_${fault}`, { time: lasting(w.longest) })
      else Object.assign(ask, { from: new Date(from).toISOString(), to: new Date(to).toISOString() })
    }
    if (w.ticket && !ask.ticket_id) faults.ticket = t('rq_ticket_missing')
    if (this.part$<HTMLInputElement>('#exclusive')?.checked) ask.exclusive = true
    const free = a.params.filter((p) => !fixed(p))
    for (const p of free) {
      const fault = check(p, this.values[p.name] ?? '', (s) => utf8.encode(s).length)
      if (fault) faults[p.name] = t(`fault_${fault}`, { min: p.min, max: p.max || 256 })
    }
    ask.params = Object.fromEntries(free.map((p) => [p.name, this.values[p.name] ?? p.default]))
    this.faults = faults
    return ask
  }

  async #submit(e: SubmitEvent, a: Access, w: Workflow): Promise<void> {
    e.preventDefault()
    if (this.busy) return
    this.code = ''
    const ask = this.#read(a, w)
    if (Object.keys(this.faults).length > 0) return this.#toFault()
    this.busy = true
    try {
      const made = await askAccess(apiBase(this.base), this.asset, ask)
      const url = this.#page(made.id)
      const event = hostEvent('sp-requested', { asset: this.asset, request: made.id, url }, true)
      if (this.dispatchEvent(event) && url) location.assign(url)
    } catch (err) {
      this.code = err instanceof Refused ? err.code : 'unreachable'
      if (err instanceof Refused && err.field) {
        const at = { ticket_id: 'ticket', lasting: 'to', from: 'to' }[err.field] ?? err.field
        this.faults = { [at]: codeText(err.code).text }
        this.#toFault()
      }
    } finally {
      this.busy = false
    }
  }

  #toFault(): void {
    void this.updateComplete.then(() => {
      const name = Object.keys(this.faults)[0] ?? ''
      const at = this.part$(`#${CSS.escape(name)}, #${field(name)}`)
      const around = at?.closest('details')
      if (around) around.open = true
      at?.focus()
    })
  }

  #page(id: string): string {
    return this.requests ? sameOrigin(this.requests + encodeURIComponent(id)) : ''
  }
}
