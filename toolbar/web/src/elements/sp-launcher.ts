import { html, nothing } from 'lit'
import { Refused } from '../core/gateway.js'
import { type Access, check, fixed } from '../core/launch.js'
import { hostEvent } from '../events.js'
import { codeText, t } from '../i18n/index.js'
import { apiBase, fetchAccess, type Launch, startSession } from '../net/http.js'
import { utf8 } from '../net/window.js'
import { SpElement } from './base.js'
import { cutName } from './cut-name.js'
import { type IconName, icon } from './icons.js'
import { type ParamForm, paramChecks, paramFields } from './param-fields.js'
import { launcherStyles } from './sp-launcher.styles.js'
import type { SpToken } from './sp-token.js'

type WindowType = 'tab' | 'window' | 'embedded'

const windowMarks: Readonly<Record<WindowType, IconName>> = { tab: 'tab', window: 'window', embedded: 'embedded' }
const windowTypes = ['tab', 'window', 'embedded'] as const

/** Codes with which the launcher cannot go on, whatever is entered. The others leave the button alive. */
const final: ReadonlySet<string> = new Set([
  'not_found',
  'no_protocol',
  'profile_denied',
  'restricted',
  'unauthenticated',
])

/** Codes that show the field for the token; it says itself what is wrong. */
const tokenCodes: ReadonlySet<string> = new Set(['mfa_required', 'mfa_invalid', 'mfa_locked'])

const utf8Length = (s: string): number => utf8.encode(s).length

/**
 * The session launcher (L2, L3): a dialog with the parameters of a session, filled with the last used or default values.
 *
 * @attr asset - the asset's id
 * @attr base - the address of the broker's mount, on this origin; default: where the bundle came from
 * @attr theme - light or dark; default: as the page
 * @fires sp-started - a session was created; detail: asset, session, url, window. Prevented: the host opens it
 * @fires sp-cancel - the dialog was closed without a session
 * @csspart dialog - the dialog
 */
export class SpLauncher extends SpElement {
  static override styles = [SpElement.styles, launcherStyles]
  static override properties = {
    asset: {},
    base: {},
    access: { state: true },
    values: { state: true },
    faults: { state: true },
    code: { state: true },
    busy: { state: true },
    blocked: { state: true },
    embedded: { state: true },
    ended: { state: true },
    windowType: { state: true },
  }
  declare asset: string
  declare base: string
  declare private access: Access | undefined
  declare private values: Record<string, string>
  declare private faults: Record<string, string>
  declare private code: string
  declare private busy: boolean
  declare private blocked: string
  declare private embedded: string
  declare private ended: boolean
  declare private windowType: WindowType

  constructor() {
    super()
    this.asset = ''
    this.base = ''
    this.access = undefined
    this.values = {}
    this.faults = {}
    this.code = ''
    this.busy = false
    this.blocked = ''
    this.embedded = ''
    this.ended = false
    this.windowType = 'tab'
  }

  /** Opens the dialog with the present state of the gateway. */
  async open(): Promise<void> {
    this.access = undefined
    this.code = ''
    this.faults = {}
    this.blocked = ''
    this.busy = false
    await this.updateComplete
    const dialog = this.#dialog()
    if (dialog && !dialog.open) dialog.showModal()
    try {
      this.access = await fetchAccess(apiBase(this.base), this.asset)
      this.values = Object.fromEntries(this.access.params.map((p) => [p.name, p.value || p.default]))
      if (this.access.code !== 'allowed') this.code = this.access.code
    } catch (err) {
      this.code = err instanceof Refused ? err.code : 'unreachable'
    }
    await this.updateComplete
    this.part$<HTMLElement>(this.#asksToken() ? 'sp-token' : '#reason')?.focus()
  }

  /** Closes the dialog. */
  close(): void {
    this.#dialog()?.close()
  }

  override render() {
    return html`${this.#launcher()}${this.embedded ? this.#embed() : nothing}`
  }

  // What stands around the name is the language's; the name alone gives way.
  #title(name: string) {
    const [before, after] = t('access_to', { asset: '\n' }).split('\n')
    return html`${before}<bdi>${cutName(name)}</bdi>${after}`
  }

  #launcher() {
    const a = this.access
    const name = a?.asset.name ?? ''
    return html`<dialog class="launcher" part="dialog" aria-labelledby="title" @close=${() => this.#closed()} @keydown=${(e: Event) => e.stopPropagation()}>
      <form method="dialog" novalidate autocomplete="off" @submit=${(e: SubmitEvent) => this.#submit(e)}>
        <header>
          <div class="tile">${icon(a?.asset.protocol === 'rdp' ? 'monitor' : 'terminal', 'i i-l')}</div>
          <div class="grow">
            <h2 id="title" title=${name}>${a ? this.#title(name) : t('access')}</h2>
            <div class="who">
              ${a ? html`<span class="proto">${a.asset.protocol}</span>${a.recorded ? html`<span class="rec"><span class="dot"></span>${t('recorded_short')}</span>` : t('not_recorded')}` : nothing}
            </div>
          </div>
          <button class="btn ghost icon" type="button" aria-label=${t('close_dialog')} title=${t('close_dialog')} @click=${() => this.close()}>${icon('x')}</button>
        </header>
        <div class="body" aria-busy=${a || this.code ? 'false' : 'true'}>
          ${this.#message()} ${a ? this.#fields(a) : this.code ? nothing : html`<span class="spin" role="status" aria-label=${t('loading')}></span>`}
        </div>
        <footer>
          ${
            a && a.params.length > 0
              ? html`<span class="from">${t(a.remembered ? 'remembered' : 'defaults')}</span>
                  <button class="link" type="button" @click=${() => this.#reset()}>${t('reset')}</button>`
              : nothing
          }
          <span class="grow"></span>
          <button class="btn" type="button" @click=${() => this.close()}>${t('cancel')}</button>
          <button class="btn primary" type="submit" ?disabled=${!a || this.busy || final.has(this.code)}>${this.busy ? t('starting') : t('access')}</button>
        </footer>
      </form>
    </dialog>`
  }

  #message() {
    if (this.blocked) {
      return html`<p class="note warn" role="alert">
        ${icon('warn')}
        <span>${t('popup_blocked')} <a class="link" href=${this.blocked} target="_blank" rel="noopener" @click=${() => this.close()}>${t('popup_open')}</a>. ${t('popup_hint')}</span>
      </p>`
    }
    if (!this.code || tokenCodes.has(this.code) || Object.keys(this.faults).length > 0) return nothing
    const text =
      this.code === 'unreachable' ? t('unreachable') : codeText(this.code, { asset: this.access?.asset.name ?? '' })
    return html`<p class="note danger" role="alert">
      ${icon('warn')}<span>${typeof text === 'string' ? text : html`<b>${text.title}.</b> ${text.text}`}</span>
    </p>`
  }

  #fields(a: Access) {
    const form: ParamForm = {
      params: a.params,
      values: this.values,
      faults: this.faults,
      set: (name, value) => this.#set(name, value),
    }
    return html`${this.#asksToken() ? html`<sp-token @keydown=${(e: KeyboardEvent) => this.#enter(e)}></sp-token>` : nothing}
      <div class="grid2">
        <fieldset>
          <legend class="label">${t('open_in')}</legend>
          <div class="seg">
            ${windowTypes.map(
              (w) => html`<label>
                <input type="radio" name="window" .checked=${this.windowType === w} @change=${() => {
                  this.windowType = w
                }} />
                ${icon(windowMarks[w])}${t(`window_${w}`)}
              </label>`,
            )}
          </div>
        </fieldset>
        <div>
          <label class="label" for="ticket">${t('ticket')}<span class="opt">${t('optional')}</span></label>
          <input id="ticket" type="text" maxlength="200" dir="auto" placeholder=${t('ticket_hint')} spellcheck="false" />
        </div>
        <div class="span2">
          <label class="label" for="reason">${t('reason')}<span class="opt">${t('optional')}</span></label>
          <input id="reason" type="text" maxlength="500" dir="auto" placeholder=${t('reason_hint')} aria-describedby="reason-hint" />
          <p class="hint" id="reason-hint">${t('reason_kept')}</p>
        </div>
        ${paramFields(form)}
      </div>
      ${paramChecks(form)}`
  }

  /** Whether a second factor is asked for, from the start or since the policy has changed. */
  #asksToken(): boolean {
    return this.access?.code === 'mfa_required' || tokenCodes.has(this.code)
  }

  #embed() {
    return html`<dialog class="embed" aria-label=${t('terminal', { asset: this.access?.asset.name ?? '' })} @cancel=${(e: Event) => e.preventDefault()}
      @close=${() => {
        this.embedded = ''
      }}>
      <sp-session session-id=${this.embedded} base=${this.base} @sp-closed=${() => {
        this.ended = true
      }} @sp-active=${() => {
        this.ended = false
      }}></sp-session>
      ${
        this.ended
          ? html`<button class="btn icon shut" aria-label=${t('close_dialog')} title=${t('close_dialog')} @click=${() => this.part$<HTMLDialogElement>('.embed')?.close()}>${icon('x')}</button>`
          : nothing
      }
    </dialog>`
  }

  #dialog(): HTMLDialogElement | null {
    return this.part$<HTMLDialogElement>('.launcher')
  }

  #set(name: string, value: string): void {
    this.values = { ...this.values, [name]: value }
    if (this.faults[name]) {
      const { [name]: _, ...rest } = this.faults
      this.faults = rest
    }
  }

  #reset(): void {
    this.values = Object.fromEntries((this.access?.params ?? []).map((p) => [p.name, p.pinned ? p.value : p.default]))
    this.faults = {}
    for (const select of this.renderRoot.querySelectorAll<HTMLSelectElement>('select')) {
      select.value = this.values[select.id.slice(2)] ?? ''
    }
  }

  #closed(): void {
    this.part$<SpToken>('sp-token')?.clear()
    if (!this.busy) this.dispatchEvent(hostEvent('sp-cancel', null))
  }

  #check(a: Access): Record<string, string> {
    const faults: Record<string, string> = {}
    for (const p of a.params) {
      if (fixed(p)) continue
      const fault = check(p, this.values[p.name] ?? '', utf8Length)
      if (fault) faults[p.name] = t(`fault_${fault}`, { min: p.min, max: p.max || 256 })
    }
    return faults
  }

  // The token's field is in a tree of its own, from where Enter does not find the form.
  #enter(e: KeyboardEvent): void {
    if (e.key !== 'Enter' || e.isComposing) return
    e.preventDefault()
    this.part$<HTMLButtonElement>('button[type=submit]')?.click()
  }

  async #submit(e: SubmitEvent): Promise<void> {
    e.preventDefault()
    const a = this.access
    if (!a || this.busy) return
    this.faults = this.#check(a)
    const first = Object.keys(this.faults)[0]
    if (first) return this.#focusField(first)
    const token = this.part$<SpToken>('sp-token')
    if (token && !token.ready()) return
    this.busy = true
    if (!tokenCodes.has(this.code)) this.code = ''
    const text = (id: string): string => this.part$<HTMLInputElement>(`#${id}`)?.value.trim() ?? ''
    const launch: Launch = { params: this.#params(a), window: this.windowType }
    if (text('reason')) launch.reason = text('reason')
    if (text('ticket')) launch.ticket_id = text('ticket')
    if (token) launch.mfa_token = token.token
    try {
      const started = await startSession(apiBase(this.base), this.asset, launch)
      this.#started(started.id, started.url)
    } catch (err) {
      this.#refused(err, a)
    } finally {
      this.busy = false
    }
  }

  #params(a: Access): Record<string, string> {
    return Object.fromEntries(a.params.filter((p) => !fixed(p)).map((p) => [p.name, this.values[p.name] ?? p.default]))
  }

  #refused(err: unknown, a: Access): void {
    if (!(err instanceof Refused)) {
      this.code = 'unreachable'
      return
    }
    this.code = err.code
    if (a.params.some((p) => p.name === err.field)) {
      this.faults = { [err.field]: codeText(err.code).text }
      this.#focusField(err.field)
    } else if (tokenCodes.has(err.code)) {
      void this.updateComplete.then(() => this.part$<SpToken>('sp-token')?.refused(err))
    }
  }

  #focusField(name: string): void {
    void this.updateComplete.then(() => this.part$<HTMLElement>(`#p-${CSS.escape(name)}`)?.focus())
  }

  // A pop-up that the browser blocks leaves a link in its place (L6): one more click is a user's act again.
  #started(session: string, url: string): void {
    this.part$<SpToken>('sp-token')?.clear()
    const event = hostEvent('sp-started', { asset: this.asset, session, url, window: this.windowType })
    const open = new CustomEvent(event.type, { detail: event.detail, bubbles: true, composed: true, cancelable: true })
    if (!this.dispatchEvent(open)) return this.close()
    if (this.windowType === 'embedded') {
      this.close()
      this.ended = false
      this.embedded = session
      void this.updateComplete.then(() => this.part$<HTMLDialogElement>('.embed')?.showModal())
      return
    }
    const opened = window.open(url, '_blank', this.windowType === 'window' ? 'popup,width=1280,height=800' : '')
    if (!opened) {
      this.blocked = url
      return
    }
    opened.opener = null
    this.close()
  }
}
