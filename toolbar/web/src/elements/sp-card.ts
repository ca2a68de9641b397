import { css, html, nothing, type TemplateResult } from 'lit'
import type { Phase } from '../core/session.js'
import type { Code, End, State } from '../core/types.js'
import { type CodeText, codeText, t } from '../i18n/index.js'
import { sameOrigin } from '../net/http.js'
import { SpElement } from './base.js'
import { cutName } from './cut-name.js'
import { type IconName, icon } from './icons.js'
import { duration } from './names.js'

/** What a card asks of the session. */
export type CardAction = 'cancel' | 'try_now' | 'leave' | 'take_back' | 'start_again' | 'reload' | 'try_again' | 'copy'

/** How a code looks, and what can be done about it. Codes that are not here: a warning, and back to the asset. */
const looks: Readonly<Record<string, { mark: IconName; tone: string; act?: CardAction }>> = {
  remote_logoff: { mark: 'checkCircle', tone: 'ok', act: 'start_again' },
  user_disconnect: { mark: 'checkCircle', tone: 'ok', act: 'start_again' },
  session_ended: { mark: 'checkCircle', tone: '', act: 'start_again' },
  expired: { mark: 'clock', tone: '' },
  idle: { mark: 'moon', tone: '', act: 'start_again' },
  terminated: { mark: 'ban', tone: 'danger' },
  policy_rule: { mark: 'ban', tone: 'danger' },
  revoked: { mark: 'shieldX', tone: 'danger' },
  profile_denied: { mark: 'shieldX', tone: 'danger' },
  restricted: { mark: 'shieldX', tone: 'danger' },
  host_key_mismatch: { mark: 'shieldX', tone: 'danger' },
  host_key_unknown: { mark: 'shieldX', tone: 'danger' },
  certificate_mismatch: { mark: 'shieldX', tone: 'danger' },
  certificate_unknown: { mark: 'shieldX', tone: 'danger' },
  target_security: { mark: 'shieldX', tone: 'danger' },
  target_licence: { mark: 'ban', tone: 'warn', act: 'start_again' },
  target_disconnected: { mark: 'power', tone: '', act: 'start_again' },
  target_terminated: { mark: 'ban', tone: 'danger', act: 'start_again' },
  target_replaced: { mark: 'window', tone: 'accent', act: 'start_again' },
  target_idle: { mark: 'moon', tone: '', act: 'start_again' },
  recording_failed: { mark: 'warn', tone: 'danger', act: 'start_again' },
  network_lost: { mark: 'wifiOff', tone: 'warn', act: 'start_again' },
  target_lost: { mark: 'wifiOff', tone: 'warn', act: 'start_again' },
  target_unresponsive: { mark: 'moon', tone: 'warn', act: 'start_again' },
  target_unreachable: { mark: 'wifiOff', tone: 'warn', act: 'start_again' },
  target_auth_failed: { mark: 'shieldX', tone: 'warn', act: 'start_again' },
  target_no_shell: { mark: 'warn', tone: 'warn', act: 'start_again' },
  target_protocol: { mark: 'warn', tone: 'warn', act: 'start_again' },
  target_error: { mark: 'warn', tone: 'warn', act: 'start_again' },
  gateway_shutdown: { mark: 'power', tone: '', act: 'start_again' },
  gateway_crash: { mark: 'warn', tone: 'danger', act: 'start_again' },
  opened_elsewhere: { mark: 'window', tone: 'accent', act: 'take_back' },
  other_login: { mark: 'window', tone: '' },
  reload: { mark: 'info', tone: 'accent', act: 'reload' },
  protocol_violation: { mark: 'warn', tone: 'warn', act: 'reload' },
  bad_request: { mark: 'warn', tone: 'warn', act: 'reload' },
  unauthenticated: { mark: 'lock', tone: '', act: 'reload' },
  ticket_invalid: { mark: 'warn', tone: 'warn', act: 'try_again' },
  viewer_too_slow: { mark: 'wifiOff', tone: 'warn', act: 'try_again' },
  rate_limited: { mark: 'clock', tone: 'warn', act: 'try_again' },
  internal: { mark: 'warn', tone: 'warn', act: 'try_again' },
  shutting_down: { mark: 'power', tone: '', act: 'try_again' },
}

/** What is shown of one phase. */
export interface CardAbout {
  assetName: string
  assetURL: string
  protocol: string
  canStart: boolean
  /** The user is not the one whose session it is. */
  joined: boolean
  /** It was the user who left. */
  left: boolean
}

/**
 * The card in the middle of the page while there is no live session: what happened, what it means, what to do.
 *
 * @fires sp-card - detail: a CardAction
 * @csspart card - the card
 */
export class SpCard extends SpElement {
  static override styles = [
    SpElement.styles,
    css`
      :host { position: absolute; inset: 0; z-index: 30; display: flex; align-items: center; justify-content: center; padding: 16px; overflow: auto; }
      .card { width: var(--sp-card); max-width: 100%; margin: auto; padding: var(--sp-6); border: 1px solid var(--sp-line-strong); border-radius: 12px; background: var(--sp-raised); box-shadow: var(--sp-e3); font-size: var(--sp-fs-l); display: grid; grid-template-columns: 36px minmax(0, 1fr); column-gap: 12px; align-items: center; }
      .card:focus { outline: none; }
      .card > * { grid-column: 1 / -1; }
      .card > .mark { grid-column: 1; display: flex; align-items: center; justify-content: center; width: 36px; height: 36px; border-radius: 50%; background: var(--sp-sunken); color: var(--sp-text-2); }
      .mark.ok { background: var(--sp-ok-soft); color: var(--sp-ok); }
      .mark.warn { background: var(--sp-warn-soft); color: var(--sp-warn); }
      .mark.danger { background: var(--sp-danger-soft); color: var(--sp-danger); }
      .mark.accent { background: var(--sp-accent-soft); color: var(--sp-accent-text); }
      h2 { font-size: var(--sp-fs-xl); line-height: 24px; font-weight: var(--sp-w-bold); overflow-wrap: anywhere; }
      .card > h2 { grid-column: 2; }
      p { margin-top: 12px; color: var(--sp-text-2); overflow-wrap: anywhere; }
      blockquote { margin: 12px 0 0; padding: 8px 12px; border-left: 3px solid var(--sp-line-strong); background: var(--sp-sunken); border-radius: 0 6px 6px 0; color: var(--sp-text); max-height: 180px; overflow: auto; white-space: pre-wrap; overflow-wrap: anywhere; }
      .acts { display: flex; flex-wrap: wrap; gap: var(--sp-2); margin-top: var(--sp-5); }
      .ref { margin-top: var(--sp-4); padding-top: var(--sp-3); border-top: 1px solid var(--sp-line); display: flex; align-items: center; gap: 8px; font-size: var(--sp-fs-s); color: var(--sp-text-3); }
      .ref .what, .ref bdi { display: flex; min-width: 0; white-space: pre; }
      .ref .btn { margin: -4px -6px -4px 0; }
      .steps { margin-top: 10px; display: grid; }
      .steps li { display: flex; align-items: center; gap: 8px; height: 24px; color: var(--sp-text-3); padding-left: 24px; }
      .steps li.done, .steps li.now { padding-left: 0; }
      .steps li.done { color: var(--sp-text-2); }
      .steps li.done .i { color: var(--sp-ok); }
      .steps li.now { color: var(--sp-text); font-weight: var(--sp-w-medium); }
      .steps .quiet { margin-left: auto; font-weight: var(--sp-w-normal); color: var(--sp-text-3); }
      progress { display: block; appearance: none; width: 100%; height: 4px; margin-top: 16px; border: 0; border-radius: 2px; overflow: hidden; background: var(--sp-press); }
      progress::-webkit-progress-bar { background: var(--sp-press); }
      progress::-webkit-progress-value { background: var(--sp-warn-fill); border-radius: 2px; }
      progress::-moz-progress-bar { background: var(--sp-warn-fill); }
      @media (max-width: 720px) { .acts .btn { flex: 1; } }
    `,
  ]
  static override properties = {
    phase: { attribute: false },
    about: { attribute: false },
    now: { attribute: false },
    since: { attribute: false },
    busy: { type: Boolean },
    reloading: { type: Boolean },
    fault: { attribute: false },
  }
  /** What is shown. */
  declare phase: Phase
  /** What is known of the asset. */
  declare about: CardAbout
  /** The present time in milliseconds; the card counts nothing by itself. */
  declare now: number
  /** When the present step began. */
  declare since: number
  /** Whether an action is under way. */
  declare busy: boolean
  /** Whether the page is about to reload itself. */
  declare reloading: boolean
  /** Why the last action failed: a code, or 'unreachable'. */
  declare fault: Code

  constructor() {
    super()
    this.phase = { kind: 'opening' }
    this.about = { assetName: '', assetURL: '', protocol: '', canStart: false, joined: false, left: false }
    this.now = 0
    this.since = 0
    this.busy = false
    this.reloading = false
    this.fault = ''
  }

  /** Puts the focus on the card, so that the next Tab reaches its first action. */
  override focus(): void {
    this.part$('.card')?.focus()
  }

  override render() {
    const p = this.phase
    switch (p.kind) {
      case 'opening':
        return this.#connecting(undefined)
      case 'live':
        return this.#connecting(p.state)
      case 'lost':
        return this.#lost(p)
      case 'closed':
        return this.#closed(p.end)
      default:
        return p satisfies never
    }
  }

  #card(mark: TemplateResult, tone: string, title: string, body: unknown) {
    return html`<section class="card" part="card" role="status" tabindex="-1" aria-labelledby="title">
      <div class="mark ${tone}">${mark}</div>
      <h2 id="title" dir="auto">${title}</h2>
      ${body}
    </section>`
  }

  #act(action: CardAction, label: string, primary: boolean) {
    return html`<button class="btn ${primary ? 'primary' : ''}" ?disabled=${this.busy}
      @click=${() => this.dispatchEvent(new CustomEvent('sp-card', { detail: action }))}>${label}</button>`
  }

  #connecting(state: State | undefined) {
    const asset = this.about.assetName
    const order = ['recording', 'signing_in', 'first_picture'] as const
    const at = state ? (state.step === '' ? (state.state === 'launching' ? 0 : 1) : order.indexOf(state.step)) : -1
    const secs = Math.max(0, Math.floor((this.now - this.since) / 1000))
    const seconds = secs > 1 ? html`<span class="quiet num">${t('seconds', { n: secs })}</span>` : nothing
    const step = (i: number, label: string, done: string) =>
      at > i
        ? html`<li class="done">${icon('check')}${done}</li>`
        : at === i
          ? html`<li class="now"><span class="spin s"></span>${label}${seconds}</li>`
          : html`<li>${label}</li>`
    return this.#card(
      html`<span class="spin"></span>`,
      'accent',
      asset ? t('connecting_to', { asset }) : t('connecting'),
      html`${this.about.protocol ? html`<p>${t('protocol_as', { protocol: this.about.protocol.toUpperCase() })}</p>` : nothing}
        <ol class="steps">
          ${at >= 0 ? html`<li class="done">${icon('check')}${t('step_checked')}</li>` : html`<li class="now"><span class="spin s"></span>${t('step_checking')}</li>`}
          ${state?.recorded === false ? nothing : step(0, t('step_recording'), t('step_recording_done'))}
          ${step(1, t('step_signing_in'), t('step_signed_in'))} ${step(2, t('step_first_picture'), t('step_first_picture'))}
        </ol>
        <div class="acts">${this.#act('cancel', t('cancel'), false)}</div>`,
    )
  }

  #lost(p: Extract<Phase, { kind: 'lost' }>) {
    const left = Math.max(0, Math.ceil((p.deadline - this.now) / 1000))
    const next = Math.max(0, Math.ceil((p.at - this.now) / 1000))
    return this.#card(
      html`${icon('wifiOff', 'i i-l')}`,
      'warn',
      t('lost_title'),
      html`<p>${t('lost_text', { n: left })}</p>
        <progress max=${p.deadline - p.since} .value=${Math.max(0, p.deadline - this.now)} aria-label=${t('lost_short', { time: duration(left * 1000) })}></progress>
        <div class="acts">${this.#act('try_now', t('try_now'), true)}${this.#act('leave', t('leave'), false)}</div>
        <div class="ref">
          <span class="num">${p.at === 0 ? t('attempt_now', { n: p.attempt }) : t('attempt_next', { n: p.attempt, s: next })}</span>
        </div>`,
    )
  }

  // The name alone gives way: the time says more.
  #ref(asset: string, time: string) {
    const values = { protocol: this.about.protocol.toUpperCase(), asset: '\n', time }
    const [before, after] = t(time ? 'ref' : 'ref_short', values).split('\n')
    return html`<span class="what num" title=${asset}>${before}<bdi>${cutName(asset)}</bdi>${after}</span>`
  }

  #words(end: End): CodeText {
    const { assetName, protocol, joined, left } = this.about
    const asset = assetName || protocol
    const words = codeText(end.code, { asset })
    if (joined && (end.code === 'user_disconnect' || end.code === 'remote_logoff')) {
      return left
        ? { title: t('left_title'), text: t('left_text') }
        : { title: t('over_title', { asset }), text: t('over_text') }
    }
    // C1: a client cannot sign a desktop's user out.
    return end.code === 'user_disconnect' && protocol === 'rdp' ? { ...words, text: t('desktop_goes_on') } : words
  }

  #closed(end: End) {
    const look = looks[end.code] ?? { mark: 'warn' as const, tone: 'warn' }
    const { assetName: asset, assetURL } = this.about
    const { title, text } = this.#words(end)
    const back = sameOrigin(assetURL)
    const act = look.act === 'start_again' && !this.about.canStart ? undefined : look.act
    const labels: Partial<Record<CardAction, string>> = {
      take_back: t('take_back'),
      start_again: t('start_again'),
      reload: t('reload'),
      try_again: t('try_again'),
    }
    const spent = Date.parse(end.ended) - Date.parse(end.started)
    return this.#card(
      html`${icon(look.mark, 'i i-l')}`,
      look.tone,
      title,
      html`<p>
          ${text} ${this.reloading ? t('reloading') : nothing}
          ${end.status ? t('exit_status', { n: end.status }) : nothing}
          ${end.signal ? t('exit_signal', { name: end.signal }) : nothing}
        </p>
        ${end.text ? html`<blockquote dir="auto">${end.text.slice(0, 2000)}</blockquote>` : nothing}
        ${
          this.fault
            ? html`<p class="note danger" role="alert">${icon('warn')}<span>${this.fault === 'unreachable' ? t('unreachable') : codeText(this.fault).text}</span></p>`
            : nothing
        }
        ${
          act || back
            ? html`<div class="acts">
                ${act ? this.#act(act, this.busy ? t('starting') : (labels[act] ?? ''), true) : nothing}
                ${back ? html`<a class="btn ${act ? '' : 'primary'}" href=${back}>${t('back_to_asset')}</a>` : nothing}
              </div>`
            : nothing
        }
        <div class="ref">
          ${asset ? this.#ref(asset, Number.isFinite(spent) ? duration(spent) : '') : nothing}
          <span class="grow"></span>
          <span class="mono">${end.code}</span>
          <button class="btn ghost icon small" aria-label=${t('copy_details')} title=${t('copy_details')}
            @click=${() => this.dispatchEvent(new CustomEvent('sp-card', { detail: 'copy' }))}>${icon('copy')}</button>
        </div>`,
    )
  }
}
