import { html, nothing, type PropertyValues } from 'lit'
import { Chord } from '../core/chord.js'
import type { ServerFrame, Size } from '../core/frame.js'
import { Refused, type SessionInfo } from '../core/gateway.js'
import { examine, mustAsk } from '../core/paste.js'
import type { Screen } from '../core/screen.js'
import { type PasteResult, type Phase, Session } from '../core/session.js'
import { type Code, mayUse, type Notice, type State } from '../core/types.js'
import type { Desk } from '../desk/desk.js'
import { deskLook } from '../desk/look.js'
import { hostEvent } from '../events.js'
import { codeText, t } from '../i18n/index.js'
import { mayReload } from '../net/build.js'
import { FilesClient } from '../net/files.js'
import { canFill, fills, toggleFill, unlockKeys } from '../net/fullscreen.js'
import { apiBase, HttpGateway, startSession } from '../net/http.js'
import { utf8, windowClock } from '../net/window.js'
import type { LinkTarget } from '../term/link.js'
import type { ScreenEvents, TextScreen } from '../term/screen.js'
import { SpElement } from './base.js'
import { SessionBell } from './bell.js'
import { DisplayKeeper } from './display-keeper.js'
import { icon } from './icons.js'
import { type Copied, LateCopy } from './late-copy.js'
import { SoundKeeper } from './sound-keeper.js'
import type { CardAction, SpCard } from './sp-card.js'
import type { DisplayChange } from './sp-display-panel.js'
import type { SpFind } from './sp-find.js'
import type { SpLinks } from './sp-links.js'
import type { SpPasteGuard } from './sp-paste-guard.js'
import { sessionStyles } from './sp-session.styles.js'
import type { SoundChange } from './sp-sound-panel.js'
import type { SpToasts, Toast } from './sp-toasts.js'
import type { SpToolbar, ToolbarAction } from './sp-toolbar.js'
import { type Reading, Statistics } from './statistics.js'

/** A terminal's size before there is one. */
const NO_SIZE: Size = { cols: 80, rows: 24, width: 0, height: 0 }

/** How long the card that says why can be read before the page reloads itself, in milliseconds. */
const RELOAD_AFTER = 1500

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
export class SpSession extends SpElement {
  static override styles = [SpElement.styles, sessionStyles]
  static override properties = {
    sessionId: { attribute: 'session-id' },
    assetName: { attribute: 'asset-name' },
    base: {},
    page: { type: Boolean },
    phase: { state: true },
    now: { state: true },
    busy: { state: true },
    fault: { state: true },
    finding: { state: true },
    missing: { state: true },
    links: { state: true },
    reloading: { state: true },
    full: { state: true },
    reading: { state: true },
  }
  declare sessionId: string
  declare assetName: string
  declare base: string
  declare page: boolean
  declare private phase: Phase
  declare private now: number
  declare private busy: boolean
  declare private fault: Code
  declare private finding: boolean
  declare private missing: boolean
  declare private reloading: boolean
  declare private full: boolean
  declare private reading: Reading | undefined
  declare private links: { targets: LinkTarget[]; at: { x: number; y: number } | undefined } | undefined

  #session: Session | undefined
  #screen: Screen | undefined
  #text: TextScreen | undefined // the screen, if it is one
  #desk: Desk | undefined // likewise
  #info: SessionInfo | undefined
  #files: FilesClient | undefined
  #state: State | undefined
  #stepSince = 0
  #ticking: ReturnType<typeof setInterval> | undefined
  #targetTitle = ''
  #left = false // by the user's own wish
  #rung = false // the bell has rung while nobody looked
  #lateCopy: LateCopy | undefined
  readonly #chord = new Chord()
  readonly #bell = new SessionBell()
  readonly #statistics = new Statistics((reading) => {
    this.reading = reading
  })
  readonly #display = new DisplayKeeper((params) => this.#session?.display(params))
  readonly #sound = new SoundKeeper({
    listens: (listens) => this.#session?.listens(listens),
    changed: () => this.requestUpdate(),
    held: (held) => this.#soundHeld(held),
  })

  constructor() {
    super()
    this.sessionId = ''
    this.assetName = ''
    this.base = ''
    this.page = false
    this.phase = { kind: 'opening' }
    this.now = Date.now()
    this.busy = false
    this.fault = ''
    this.finding = false
    this.missing = false
    this.links = undefined
    this.reloading = false
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
    this.#lateCopy = new LateCopy(navigator.clipboard, this.live.signal, (how) => this.#copied(how))
    this.#open()
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    this.#shut()
  }

  protected override willUpdate(changed: PropertyValues): void {
    if (this.hasUpdated && (changed.has('sessionId') || changed.has('base'))) {
      this.#shut()
      this.#open()
    }
  }

  protected override updated(changed: PropertyValues): void {
    if (!changed.has('phase')) return
    const was = changed.get('phase') as Phase | undefined
    if (this.phase.kind === 'closed' && was?.kind !== 'closed') this.part$<SpCard>('sp-card')?.focus()
    const active = isActive(this.phase)
    if (active && !(was && isActive(was))) this.#screen?.focus()
  }

  override focus(): void {
    this.#screen?.focus()
  }

  /** The desktop, if the session shows one: its pixels, and what drawing it takes. */
  get desk(): Pick<Desk, 'snapshot' | 'stats' | 'setZoom'> | undefined {
    return this.#desk
  }

  /** The session's sound, if it has any: what is heard, and how much was dropped. */
  get sound(): SoundKeeper['player'] {
    return this.#sound.player
  }

  /** Shows a message at the corner of the session. */
  toast(text: string, kind: Toast['kind'] = 'info'): void {
    const toasts = this.part$<SpToasts>('sp-toasts')
    if (!toasts) return
    const cursor = this.#text?.cursor()
    toasts.top = !!cursor && cursor.x > 2 / 3 && cursor.y > 2 / 3
    toasts.show(text, kind)
  }

  override render() {
    const p = this.phase
    const active = isActive(p)
    const away = p.kind === 'lost' || p.kind === 'closed'
    const state = this.#state
    const name = this.#assetName()
    return html`<div class="stage ${away ? 'away' : ''}" part="stage" role=${this.page ? 'main' : 'group'} aria-label=${t('terminal', { asset: name })}>
      ${this.page && name ? html`<h1 class="vh" dir="auto">${name}</h1>` : nothing}
      <div class="screen" part="screen" ?inert=${!active}></div>
      <div class="flash"></div>
      ${p.kind === 'live' && p.state.state === 'suspended' ? html`<div class="banner" role="status">${icon('pause')}<span>${t('suspended')}</span></div>` : nothing}
      ${p.kind === 'live' && p.state.state === 'ending' ? html`<div class="banner" role="status"><span class="spin s"></span><span>${t('ending')}</span></div>` : nothing}
      ${active ? nothing : this.#card()}
      <sp-toolbar exportparts="handle, bar, tool, recording" ?hidden=${!active} .state=${state} .bracketed=${() => this.#text?.bracketed() ?? false}
        .look=${this.#text ? this.#display.look : undefined} .prefs=${this.#display.prefs}
        .files=${this.#files} .full=${this.#desk && canFill() ? this.full : undefined}
        .sound=${this.#sound.look} @sp-sound=${(e: CustomEvent<SoundChange>) => this.#sound.change(e.detail)}
        .zoom=${this.#desk ? { chosen: this.#display.zoom, percent: this.#desk.picture().percent } : undefined}
        @sp-display=${(e: CustomEvent<DisplayChange>) => this.#displayed(e.detail)}
        @sp-missing=${() => this.toast(codeText('reload').text, 'warn')}
        @sp-action=${(e: CustomEvent<ToolbarAction>) => this.#action(e.detail)}
        @sp-paste=${(e: CustomEvent<string>) => this.#paste(e.detail, true)}
        @sp-keys=${(e: CustomEvent<string[]>) => this.#desk?.press(e.detail)}
        @sp-refocus=${() => this.#screen?.focus()}
        @sp-collapse=${(e: CustomEvent<boolean>) => e.detail && this.#screen?.focus()}><slot></slot></sp-toolbar>
      ${
        this.finding && active
          ? html`<sp-find ?missing=${this.missing} @sp-find=${(e: CustomEvent) => this.#find(e.detail)}
              @sp-panel-close=${() => this.#endFind()}></sp-find>`
          : nothing
      }
      ${
        this.links && active
          ? html`<sp-links .targets=${this.links.targets} .at=${this.links.at}
              @sp-link-open=${(e: CustomEvent<string>) => this.#session?.copied(e.detail)} @sp-panel-close=${() => this.#endLinks()}></sp-links>`
          : nothing
      }
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
    return html`<sp-card .phase=${this.phase} .now=${this.now} .since=${this.#stepSince} ?busy=${this.busy} ?reloading=${this.reloading} .fault=${this.fault}
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
    this.#session = new Session({
      gateway: new HttpGateway(apiBase(this.base), this.sessionId, this.page),
      clock: windowClock,
      text: utf8,
      random: () => (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) / 2 ** 32,
      host: {
        changed: (phase) => this.#changed(phase),
        prepare: (info) => this.#prepare(info),
        output: (frame) => this.#output(frame),
        notice: (notice) => this.#notice(notice),
        size: () => this.#screen?.size() ?? NO_SIZE,
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
    this.#screen?.dispose()
    this.#screen = undefined
    this.#text = undefined
    this.#desk = undefined
    this.#info = undefined
    this.#files = undefined
    this.#state = undefined
    clearInterval(this.#ticking)
    this.#ticking = undefined
    this.fault = ''
    this.busy = false
    this.finding = false
    this.links = undefined
    this.#targetTitle = ''
    this.#rung = false
  }

  #changed(phase: Phase): void {
    const before = this.#state
    if (phase.kind === 'live') this.#state = phase.state
    if (phase.kind === 'closed' && phase.info) this.#info = phase.info
    if (phase.kind !== this.phase.kind || before?.step !== this.#state?.step) this.#stepSince = Date.now()
    const wasActive = isActive(this.phase)
    this.phase = phase
    this.now = Date.now()
    this.#tick(phase.kind === 'lost' || !isActive(phase))
    this.#title()
    if (!isActive(phase)) this.#guard()?.cancel()
    this.#text?.setCopy(this.#state?.capabilities.clipboard_download)
    this.#desk?.setPaste(mayUse(this.#state, 'clipboard_upload'))
    this.#screen?.setInput(phase.kind === 'live' && phase.state.state === 'active' && mayUse(phase.state, 'keyboard'))
    this.#warn(before, phase)
    if (phase.kind === 'closed') this.#sound.follow(undefined)
    else if (isActive(phase)) this.#sound.follow(this.#state)
    if (isActive(phase) && !wasActive) this.dispatchEvent(hostEvent('sp-active', { session: this.sessionId }))
    if (phase.kind === 'closed') {
      this.#tick(false)
      if (phase.end.code === 'reload') void this.#reloadOnce()
      this.#toolbar()?.collapse()
      this.dispatchEvent(hostEvent('sp-closed', { session: this.sessionId, code: phase.end.code }))
    }
  }

  // What will end the session before long is said once, and taken back when it is not true any more.
  #warn(before: State | undefined, phase: Phase): void {
    const ends = phase.kind === 'live' ? phase.state.ends : undefined
    if (!ends) return this.part$<SpToasts>('sp-toasts')?.withdraw('ends')
    if (before?.ends?.code === ends.code) return
    const text = { idle: t('ends_idle', { n: ends.after }), max_duration: t('ends_max', { n: ends.after }) }[ends.code]
    this.part$<SpToasts>('sp-toasts')?.show(text ?? t('ends_other', { n: ends.after }), 'warn', 'ends')
  }

  #soundHeld(held: boolean): void {
    const toasts = this.part$<SpToasts>('sp-toasts')
    if (held) toasts?.show(t('sound_held'), 'warn', 'sound')
    else toasts?.withdraw('sound')
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
    if (this.#screen) return
    await this.updateComplete
    if (info.protocol === 'rdp') return this.#prepareDesk(info)
    // A part of the client that is not there any more: the gateway has been renewed since this page was loaded.
    const { openTerminal } = await import('../term/xterm.js').catch(() => {
      throw new Refused('reload')
    })
    const parent = this.part$('.screen')
    if (!parent || !this.#session || this.#screen) return
    this.#text = openTerminal(parent, this.#display.begin(info.params), this.#screenEvents())
    this.#text.setInput(false)
    this.#screen = this.#text
    this.#measure()
  }

  async #prepareDesk(info: SessionInfo): Promise<void> {
    const { openDesk } = await import('../desk/desk.js').catch(() => {
      throw new Refused('reload')
    })
    const parent = this.part$('.screen')
    if (!parent || !this.#session || this.#screen) return
    const look = deskLook(info.params, t('desktop', { asset: this.#assetName() }))
    const desk = openDesk(parent, look, {
      key: (events) => this.#session?.key(events),
      pointer: (events) => this.#session?.pointer(events),
      paste: (text) => this.#paste(text, true),
      copied: (text) => void this.#lateCopy?.take(text),
      resized: (size) => this.#session?.resize(size),
      scaled: () => this.requestUpdate(),
      failed: (why) => {
        console.error('sallyport:', why)
        this.toast(t('picture_failed'), 'warn')
      },
    })
    desk.setInput(false)
    desk.setZoom(this.#display.beginDesk(info.params))
    this.#desk = desk
    this.#screen = desk
    this.#measure()
  }

  // Text of the session's clipboard.
  #copied(how: Copied): void {
    const says = {
      copied: ['text_copied', 'ok'],
      waits: ['text_waits', 'info'],
      refused: ['copy_failed', 'warn'],
    } as const
    const [what, kind] = says[how]
    this.toast(t(what), kind)
  }

  #screenEvents(): ScreenEvents {
    return {
      input: (bytes) => this.#session?.key(bytes),
      paste: (text) => this.#paste(text, false),
      copied: (text) => this.#session?.copied(text),
      resized: (size) => this.#session?.resize(size),
      titled: (title) => {
        this.#targetTitle = title
        this.#title()
      },
      linked: (target, at) => {
        const box = this.getBoundingClientRect()
        void this.#startLinks([target], { x: at.x - box.left, y: at.y - box.top })
      },
      rang: () => this.#rang(),
      zoomed: (fontSize) => this.#displayed({ fontSize }),
      wants: (what) => {
        if (what === 'copy_denied') this.toast(t('copy_denied'), 'warn')
        else if (what === 'links') void this.#startLinks(this.#text?.links() ?? [], undefined)
        else void this.#startFind()
      },
    }
  }

  async #output(frame: ServerFrame): Promise<void> {
    if (frame.kind === 'audio') return this.#sound.play(frame.payload)
    await this.#screen?.write(frame)
  }

  // The asset's name comes first: what follows is the target's own word.
  #title(): void {
    if (!this.page) return
    const [name, title] = [this.#assetName(), this.#targetTitle]
    document.title = (this.#rung ? '\u25cf ' : '') + (title && name ? `${name}: ${title}` : name || title)
  }

  #seen(): void {
    this.#session?.visible(!document.hidden)
    if (document.hidden || !this.#rung) return
    this.#rung = false
    this.#title()
  }

  #rang(): void {
    if (!this.#bell.ring(this.part$('.flash'), this.#display.prefs.bellSound) || !document.hidden) return
    this.#rung = true
    this.#title()
  }

  #displayed(change: DisplayChange): void {
    this.#display.change(change)
    this.#text?.setLook({ ...this.#display.look, ...this.#display.prefs })
    this.#desk?.setZoom(this.#display.zoom)
    if (change.statistics !== undefined) this.#measure()
    this.requestUpdate()
  }

  #notice(notice: Notice): void {
    switch (notice.code) {
      case 'env_refused':
        return this.toast(t('notice_env', { names: notice.text }))
      case 'capability_denied':
        return this.toast(t('notice_denied', { what: notice.text }), 'warn')
      default:
        this.toast(notice.text || notice.code)
    }
  }

  #toolbar(): SpToolbar | null {
    return this.part$<SpToolbar>('sp-toolbar')
  }

  // Shows statistics, if the user wants them, or takes them away.
  #measure(): void {
    const [session, screen] = [this.#session, this.#screen]
    if (!session || !screen || !this.#display.prefs.statistics) return this.#statistics.stop()
    this.#statistics.start({ session, desk: this.#desk, cells: () => screen.size() })
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

  // read: the user has the text before their eyes, and has said so; what cannot be seen is asked for all the same.
  async #paste(text: string, read: boolean): Promise<void> {
    const session = this.#session
    const possible = session?.canPaste(text) ?? 'not_live'
    if (!session || possible !== 'sent') return this.#pasted(possible)
    const seen = examine(text)
    if (read ? seen.hidden === 0 : !mustAsk(seen)) {
      return this.#pasted(session.paste(text, this.#text?.bracketed() ?? false))
    }
    const answer = await this.#guard()?.ask(text, this.#text?.bracketed() ?? false)
    this.#screen?.focus()
    if (answer !== undefined && session === this.#session) {
      this.#pasted(session.paste(answer, this.#text?.bracketed() ?? false))
    }
  }

  #pasted(result: PasteResult): void {
    switch (result) {
      case 'sent':
      case 'empty':
        return
      case 'denied':
        return this.toast(t('paste_denied'), 'warn')
      case 'too_large':
        return this.toast(t('paste_too_large'), 'warn')
      case 'not_live':
        return this.toast(t('paste_not_live'), 'warn')
      default:
        result satisfies never
    }
  }

  #action(action: ToolbarAction): void {
    switch (action) {
      case 'disconnect':
        return this.#leave()
      case 'full_screen':
        void this.#fill()
        return
      case 'session_url':
        void this.#copyText(this.#address(), t('url_copied'), t('url_copy_failed'))
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
    this.#screen?.focus()
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

  async #copyText(text: string, done: string, failed: string): Promise<void> {
    try {
      await navigator.clipboard.writeText(text)
      this.toast(done, 'ok')
    } catch {
      this.toast(failed, 'warn')
    }
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
        void this.#copyText(JSON.stringify(details, null, 2), t('copied_details'), t('url_copy_failed'))
        return
      }
      default:
        action satisfies never
    }
  }

  // A page that is older than the gateway reloads itself, once, if nothing is lost by it: the session waits, and what
  // the user has typed but not sent stays theirs. Pages of a host are the host's.
  async #reloadOnce(): Promise<void> {
    const session = this.#session
    if (!this.page || this.#toolbar()?.filled() || !(await mayReload(apiBase(this.base)))) return
    this.reloading = true
    setTimeout(() => {
      if (session === this.#session && this.phase.kind === 'closed') location.reload()
    }, RELOAD_AFTER)
  }

  // The whole decision is made anew; what it asks for (a token, a request) is answered on the asset's page.
  async #startAgain(): Promise<void> {
    if (this.busy) return
    this.busy = true
    this.fault = ''
    try {
      const started = await startSession(apiBase(this.base), this.#assetID(), {
        params: this.#state?.params ?? this.#info?.params ?? {},
        window: this.page ? 'tab' : 'embedded',
      })
      if (this.page) location.assign(started.url)
      else this.sessionId = started.id
    } catch (err) {
      this.fault = err instanceof Refused ? err.code : 'unreachable'
      this.busy = false
    }
  }

  async #startFind(): Promise<void> {
    this.finding = true
    this.missing = false
    await this.updateComplete
    this.part$<SpFind>('sp-find')?.focus()
  }

  #find(detail: { text: string; direction: 'next' | 'previous' }): void {
    this.missing = !(this.#text?.find(detail.text, detail.direction) ?? true)
  }

  async #startLinks(targets: LinkTarget[], at: { x: number; y: number } | undefined): Promise<void> {
    this.links = { targets, at }
    await this.updateComplete
    this.part$<SpLinks>('sp-links')?.updateComplete.then(() => this.part$<SpLinks>('sp-links')?.focus())
  }

  #endLinks(): void {
    this.links = undefined
    this.#screen?.focus()
  }

  #endFind(): void {
    this.finding = false
    this.#text?.find('', 'next')
    this.#screen?.focus()
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
