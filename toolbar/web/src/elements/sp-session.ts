import { html, nothing, type PropertyValues } from 'lit'
import { Chord } from '../core/chord.js'
import { ExpiryWatch } from '../core/expiry.js'
import type { ServerFrame } from '../core/frame.js'
import type { SessionInfo } from '../core/gateway.js'
import { type Phase, Session } from '../core/session.js'
import type { State } from '../core/types.js'
import type { Desk } from '../desk/desk.js'
import { hostEvent } from '../events.js'
import { codeText, t } from '../i18n/index.js'
import { ExtendClient } from '../net/extend.js'
import { FilesClient } from '../net/files.js'
import { canFill, fills, toggleFill, unlockKeys } from '../net/fullscreen.js'
import { apiBase, HttpGateway } from '../net/http.js'
import { utf8, windowClock } from '../net/window.js'
import { SpElement } from './base.js'
import { SessionBell } from './bell.js'
import { DisplayKeeper } from './display-keeper.js'
import { Finder } from './finder.js'
import { icon } from './icons.js'
import { LateCopy } from './late-copy.js'
import { PageTitle } from './page-title.js'
import { Paster } from './paster.js'
import { Again } from './session-again.js'
import { SessionMessages } from './session-messages.js'
import { SessionScreen } from './session-screen.js'
import { SoundKeeper } from './sound-keeper.js'
import type { CardAction, SpCard } from './sp-card.js'
import type { DisplayChange } from './sp-display-panel.js'
import type { SpPasteGuard } from './sp-paste-guard.js'
import { sessionStyles } from './sp-session.styles.js'
import type { SoundChange } from './sp-sound-panel.js'
import type { Toast } from './sp-toasts.js'
import type { SpToolbar, ToolbarAction } from './sp-toolbar.js'
import { type Reading, Statistics } from './statistics.js'
import { SpViewer } from './viewer.js'

/**
 * One session: its terminal, its toolbar, and what there is to say while it is not live. It fills its box.
 *
 * @attr session-id - the session
 * @attr asset-name - shown until the gateway tells the name
 * @attr base - the address of the broker's mount, on this origin; default: where the bundle came from
 * @attr page - the element is the whole page: it sets the title, asks before leaving, and Start again opens the new page
 * @attr theme - light or dark; default: as the page
 * @fires sp-active - the session is live
 * @fires sp-closed - the session has ended, or this page's part in it; detail: session and code
 * @slot - items for the toolbar, after Session URL
 * @csspart stage - the whole
 * @csspart screen - the terminal
 * @csspart handle - the pill that opens the toolbar
 * @csspart bar - the open toolbar
 * @csspart tool - each button of it
 * @csspart recording - the mark that the session is recorded; hidden by a host that does not want it shown (T7)
 * @cssproperty --sp-accent - and every other value of the design, as set on :root or on the element
 */
export class SpSession extends SpViewer {
  static override styles = [SpElement.styles, sessionStyles]
  static override properties = {
    phase: { state: true },
    now: { state: true },
    full: { state: true },
    reading: { state: true },
  }
  declare private phase: Phase
  declare private now: number
  declare private full: boolean
  declare private reading: Reading | undefined

  #session: Session | undefined
  #info: SessionInfo | undefined
  #files: FilesClient | undefined
  #extender: ExtendClient | undefined
  #state: State | undefined
  #stepSince = 0
  #ticking: ReturnType<typeof setInterval> | undefined
  #left = false // by the user's own wish
  #lateCopy: LateCopy | undefined
  readonly #chord = new Chord()
  readonly #messages = new SessionMessages(
    () => this.part$('sp-toasts'),
    () => this.#screen.text?.cursor(),
  )
  readonly #expiry = new ExpiryWatch(windowClock, (minutes) => this.#messages.expires(minutes))
  readonly #bell = new SessionBell()
  readonly #statistics = new Statistics((reading) => {
    this.reading = reading
  })
  readonly #display = new DisplayKeeper((params) => this.#session?.display(params))
  readonly #sound = new SoundKeeper({
    listens: (listens) => this.#session?.listens(listens),
    changed: () => this.requestUpdate(),
    held: (held) => this.#messages.soundHeld(held),
  })
  readonly #again = new Again(() => this.requestUpdate())
  readonly #title = new PageTitle(() => (this.page ? this.#assetName() : undefined))
  readonly #paster = new Paster({
    session: () => this.#session,
    bracketed: () => this.#screen.bracketed(),
    ask: (text, bracketed) => this.#ask(text, bracketed),
    warn: (text) => this.toast(text, 'warn'),
  })
  readonly #finder = new Finder({
    text: () => this.#screen.text,
    draw: () => {
      this.requestUpdate()
      return this.updateComplete
    },
    part: (selector) => this.part$(selector),
    refocus: () => this.#screen.focus(),
    copied: (address) => this.#session?.copied(address),
  })
  readonly #screen = new SessionScreen(this.#display, {
    session: () => this.#session,
    box: () => this.part$('.screen'),
    assetName: () => this.#assetName(),
    paste: (text, read) => this.#paster.paste(text, read),
    took: (text) => void this.#lateCopy?.take(text),
    titled: (title) => this.#title.named(title),
    rang: () => this.#rang(),
    links: (targets, at) => {
      const box = this.getBoundingClientRect()
      void this.#finder.links(targets, at && { x: at.x - box.left, y: at.y - box.top })
    },
    find: () => void this.#finder.find(),
    displayed: (change) => this.#displayed(change),
    warn: (text) => this.toast(text, 'warn'),
    scaled: () => this.requestUpdate(),
  })

  readonly #remaining = (): number | undefined => this.#expiry.left

  constructor() {
    super()
    this.phase = { kind: 'opening' }
    this.now = Date.now()
    this.full = false
    this.reading = undefined
  }

  override connectedCallback(): void {
    super.connectedCallback()
    const on = { signal: this.live.signal }
    window.addEventListener('keydown', (e) => this.#keyDown(e), { ...on, capture: true })
    window.addEventListener('keyup', (e) => this.#keyUp(e), { ...on, capture: true })
    window.addEventListener('blur', () => this.#chord.reset(), on)
    window.addEventListener('online', () => this.#session?.tryNow(), on)
    window.addEventListener('beforeunload', (e) => this.#leaving(e), on)
    document.addEventListener('visibilitychange', () => this.#seen(), on)
    document.addEventListener('fullscreenchange', () => this.#filled(), on)
    this.#lateCopy = new LateCopy(navigator.clipboard, this.live.signal, (how) => this.#messages.copied(how))
    this.#open()
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    this.#shut()
  }

  protected override reopen(): void {
    this.#shut()
    this.#open()
  }

  protected override updated(changed: PropertyValues): void {
    if (!changed.has('phase')) return
    const was = changed.get('phase') as Phase | undefined
    if (this.phase.kind === 'closed' && was?.kind !== 'closed') this.part$<SpCard>('sp-card')?.focus()
    const active = isActive(this.phase)
    if (active && !(was && isActive(was))) this.#screen.focus()
  }

  override focus(): void {
    this.#screen.focus()
  }

  /** The desktop, if the session shows one: its pixels, and what drawing it takes. */
  get desk(): Pick<Desk, 'snapshot' | 'stats' | 'setZoom'> | undefined {
    return this.#screen.desk
  }

  /** The session's sound, if it has any: what is heard, and how much was dropped. */
  get sound(): SoundKeeper['player'] {
    return this.#sound.player
  }

  /** Shows a message at the corner of the session. */
  toast(text: string, kind: Toast['kind'] = 'info'): void {
    this.#messages.say(text, kind)
  }

  override render() {
    const p = this.phase
    const active = isActive(p)
    const away = p.kind === 'lost' || p.kind === 'closed'
    const state = this.#state
    const name = this.#assetName()
    const { text, desk } = this.#screen
    return html`<div class="stage ${away ? 'away' : ''}" part="stage" role=${this.page ? 'main' : 'group'} aria-label=${t('terminal', { asset: name })}>
      ${this.page && name ? html`<h1 class="vh" dir="auto">${name}</h1>` : nothing}
      <div class="screen" part="screen" ?inert=${!active}></div>
      <div class="flash"></div>
      ${p.kind === 'live' && p.state.state === 'suspended' ? html`<div class="banner" role="status">${icon('pause')}<span>${t('suspended')}</span></div>` : nothing}
      ${p.kind === 'live' && p.state.state === 'ending' ? html`<div class="banner" role="status"><span class="spin s"></span><span>${t('ending')}</span></div>` : nothing}
      ${active ? nothing : this.#card()}
      <sp-toolbar exportparts="handle, bar, tool, recording" ?hidden=${!active} .state=${state} .bracketed=${() => this.#screen.bracketed()}
        .look=${text ? this.#display.look : undefined} .prefs=${this.#display.prefs}
        .left=${this.#remaining} .extender=${this.#extender}
        .files=${this.#files} .full=${desk && canFill() ? this.full : undefined}
        .sound=${this.#sound.look} @sp-sound=${(e: CustomEvent<SoundChange>) => this.#sound.change(e.detail)}
        .zoom=${desk ? { chosen: this.#display.zoom, percent: desk.picture().percent } : undefined}
        @sp-display=${(e: CustomEvent<DisplayChange>) => this.#displayed(e.detail)}
        @sp-missing=${() => this.toast(codeText('reload').text, 'warn')}
        @sp-action=${(e: CustomEvent<ToolbarAction>) => this.#action(e.detail)}
        @sp-paste=${(e: CustomEvent<string>) => void this.#paster.paste(e.detail, true)}
        @sp-type=${(e: CustomEvent<string>) => this.#screen.desk?.type(e.detail)}
        @sp-keys=${(e: CustomEvent<string[]>) => this.#screen.desk?.press(e.detail)}
        @sp-refocus=${() => this.#screen.focus()}
        @sp-collapse=${(e: CustomEvent<boolean>) => e.detail && this.#screen.focus()}><slot></slot></sp-toolbar>
      ${active ? this.#finder.render() : nothing}
      ${
        this.reading && active
          ? html`<sp-statistics .reading=${this.reading} @sp-panel-close=${() => this.#displayed({ statistics: false })}></sp-statistics>`
          : nothing
      }
      <sp-paste-guard></sp-paste-guard>
      <sp-toasts></sp-toasts>
    </div>`
  }

  #card() {
    const joined = (this.#state?.mode ?? 'owner') !== 'owner'
    return html`<sp-card .phase=${this.phase} .now=${this.now} .since=${this.#stepSince} ?busy=${this.#again.busy} ?reloading=${this.#again.reloading} .fault=${this.#again.fault}
      .about=${{
        assetName: this.#assetName(),
        assetURL: this.#state?.asset.url || this.#info?.assetURL || '',
        protocol: this.#state?.asset.protocol || this.#info?.protocol || '',
        canStart: this.#assetID() !== '' && !joined,
        joined,
        left: this.#left,
      }}
      @sp-card=${(e: CustomEvent<CardAction>) => this.#cardAction(e.detail)}></sp-card>`
  }

  #assetName(): string {
    return this.#state?.asset.name || this.#info?.assetName || this.assetName
  }

  #assetID(): string {
    return this.#state?.asset.id || this.#info?.assetID || ''
  }

  #open(): void {
    if (!this.sessionId) return
    this.#files = new FilesClient(apiBase(this.base), this.sessionId)
    this.#extender = new ExtendClient(apiBase(this.base), this.sessionId)
    this.#session = new Session({
      gateway: new HttpGateway(apiBase(this.base), this.sessionId, this.page),
      clock: windowClock,
      text: utf8,
      random: () => (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) / 2 ** 32,
      host: {
        changed: (phase) => this.#changed(phase),
        prepare: (info) => this.#prepare(info),
        output: (frame) => this.#output(frame),
        notice: (notice) => this.#messages.notice(notice),
        size: () => this.#screen.size(),
      },
    })
    this.#session.visible(!document.hidden)
    this.#session.start()
  }

  #shut(): void {
    this.#display.flush()
    this.#sound.follow(undefined)
    this.#statistics.stop()
    this.#session?.stop()
    this.#session = undefined
    this.#screen.dispose()
    this.#info = undefined
    this.#files = undefined
    this.#extender = undefined
    this.#expiry.follow(undefined)
    this.#state = undefined
    clearInterval(this.#ticking)
    this.#ticking = undefined
    this.#again.forget()
    this.#finder.forget()
    this.#title.forget()
  }

  #changed(phase: Phase): void {
    const before = this.#state
    if (phase.kind === 'live') this.#state = phase.state
    this.#expiry.follow(phase.kind === 'closed' ? undefined : this.#state?.expires)
    if (phase.kind === 'closed' && phase.info) this.#info = phase.info
    if (phase.kind !== this.phase.kind || before?.step !== this.#state?.step) this.#stepSince = Date.now()
    const wasActive = isActive(this.phase)
    this.phase = phase
    this.now = Date.now()
    this.#tick(phase.kind === 'lost' || !isActive(phase))
    this.#title.show()
    if (!isActive(phase)) this.#guard()?.cancel()
    this.#screen.follow(this.#state, phase.kind === 'live' && phase.state.state === 'active')
    this.#messages.ends(before, phase.kind === 'live' ? phase.state : undefined)
    if (phase.kind === 'closed') this.#sound.follow(undefined)
    else if (isActive(phase)) this.#sound.follow(this.#state)
    if (isActive(phase) && !wasActive) this.dispatchEvent(hostEvent('sp-active', { session: this.sessionId }))
    if (phase.kind === 'closed') {
      this.#tick(false)
      if (phase.end.code === 'reload') this.#reloadOnce()
      this.#toolbar()?.collapse()
      this.dispatchEvent(hostEvent('sp-closed', { session: this.sessionId, code: phase.end.code }))
    }
  }

  // Cards that count need the time; a live session does not.
  #tick(on: boolean): void {
    if (on === (this.#ticking !== undefined)) return
    clearInterval(this.#ticking)
    this.#ticking = on
      ? setInterval(() => {
          this.now = Date.now()
        }, 1000)
      : undefined
  }

  async #prepare(info: SessionInfo): Promise<void> {
    this.#info = info
    this.requestUpdate()
    if (this.#screen.there) return
    await this.updateComplete
    await this.#screen.open(info)
    this.#measure()
  }

  async #output(frame: ServerFrame): Promise<void> {
    if (frame.kind === 'audio') return this.#sound.play(frame.payload)
    await this.#screen.write(frame)
  }

  #seen(): void {
    this.#session?.visible(!document.hidden)
    if (!document.hidden) this.#title.seen()
  }

  #rang(): void {
    if (this.#bell.ring(this.part$('.flash'), this.#display.prefs.bellSound) && document.hidden) this.#title.rang()
  }

  #displayed(change: DisplayChange): void {
    this.#display.change(change)
    this.#screen.look()
    if (change.statistics !== undefined) this.#measure()
    this.requestUpdate()
  }

  #toolbar(): SpToolbar | null {
    return this.part$<SpToolbar>('sp-toolbar')
  }

  // Shows statistics, if the user wants them, or takes them away.
  #measure(): void {
    const [session, screen] = [this.#session, this.#screen]
    if (!session || !screen.there || !this.#display.prefs.statistics) return this.#statistics.stop()
    this.#statistics.start({ session, desk: screen.desk, cells: () => screen.size() })
  }

  // The chord with S: the target does not get the S.
  #keyDown(e: KeyboardEvent): void {
    if (!this.#chord.down(e) || e.code !== 'KeyS' || !isActive(this.phase)) return
    e.preventDefault()
    e.stopPropagation()
    this.#displayed({ statistics: !this.#display.prefs.statistics })
  }

  #keyUp(e: KeyboardEvent): void {
    if (this.#chord.up(e) && isActive(this.phase)) void this.#toolbar()?.expand('key')
  }

  #guard(): SpPasteGuard | null {
    return this.part$<SpPasteGuard>('sp-paste-guard')
  }

  async #ask(text: string, bracketed: boolean): Promise<string | undefined> {
    const answer = await this.#guard()?.ask(text, bracketed)
    this.#screen.focus()
    return answer
  }

  #action(action: ToolbarAction): void {
    switch (action) {
      case 'disconnect':
        return this.#leave()
      case 'full_screen':
        void this.#fill()
        return
      case 'session_url':
        void this.#messages.copy(this.#address(), t('url_copied'), t('url_copy_failed'))
        return
      default:
        action satisfies never
    }
  }

  // Left by a key or by the system as well: the state is the browser's.
  #filled(): void {
    const was = this.full
    this.full = fills(this)
    if (was && !this.full) unlockKeys()
    this.#screen.focus()
  }

  async #fill(): Promise<void> {
    try {
      await toggleFill(this)
    } catch {
      this.toast(t('full_screen_failed'), 'warn')
    }
  }

  #address(): string {
    return this.page
      ? location.origin + location.pathname
      : new URL(`s/${encodeURIComponent(this.sessionId)}`, apiBase(this.base)).href
  }

  #leave(): void {
    this.#left = true
    this.#session?.disconnect()
  }

  #cardAction(action: CardAction): void {
    switch (action) {
      case 'cancel':
      case 'leave':
        return this.#leave()
      case 'try_now':
        return this.#session?.tryNow()
      case 'take_back':
      case 'try_again':
        return this.#session?.start()
      case 'reload':
        return location.reload()
      case 'start_again':
        void this.#startAgain()
        return
      case 'copy': {
        const end = this.phase.kind === 'closed' ? this.phase.end : undefined
        const details = {
          session: this.sessionId,
          asset: this.#assetName(),
          code: end?.code,
          started: end?.started,
          ended: end?.ended,
        }
        void this.#messages.copy(JSON.stringify(details, null, 2), t('copied_details'), t('url_copy_failed'))
        return
      }
      default:
        action satisfies never
    }
  }

  // A page that is older than the gateway reloads itself, once, if nothing is lost by it: the session waits, and what
  // the user has typed but not sent stays theirs. Pages of a host are the host's.
  #reloadOnce(): void {
    const session = this.#session
    if (!this.page || this.#toolbar()?.filled()) return
    void this.#again.reload(this.base, () => session !== this.#session || this.phase.kind !== 'closed')
  }

  async #startAgain(): Promise<void> {
    const params = this.#state?.params ?? this.#info?.params ?? {}
    const id = await this.#again.start({ base: this.base, assetID: this.#assetID(), params, page: this.page })
    if (id) this.sessionId = id
  }

  // C1: while the session is active, leaving asks first.
  #leaving(e: BeforeUnloadEvent): void {
    if (isActive(this.phase) || (this.phase.kind === 'lost' && this.#state)) e.preventDefault()
  }
}

/** Whether the terminal is what counts: the session has been opened, and this page is in it. */
function isActive(phase: Phase): boolean {
  return phase.kind === 'live' && phase.state.state !== 'launching' && phase.state.state !== 'connecting'
}
