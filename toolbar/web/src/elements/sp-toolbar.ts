import { html, nothing, type PropertyValues } from 'lit'
import { AutoClose } from '../core/autoclose.js'
import { mayUse, type Person, type State } from '../core/types.js'
import type { Zoom } from '../desk/viewport.js'
import { t } from '../i18n/index.js'
import type { ExtendClient } from '../net/extend.js'
import type { FilesClient } from '../net/files.js'
import type { Prefs } from '../net/prefs.js'
import { windowClock } from '../net/window.js'
import { SpElement } from './base.js'
import { cutName } from './cut-name.js'
import type { FileWork } from './file-work.js'
import { type IconName, icon } from './icons.js'
import { initials } from './names.js'
import type { SoundLook } from './sound-keeper.js'
import type { SpClipboardPanel } from './sp-clipboard-panel.js'
import type { SpDeskPanel } from './sp-desk-panel.js'
import type { DisplayChange, Look, SpDisplayPanel } from './sp-display-panel.js'
import type { SpExtendPanel } from './sp-extend-panel.js'
import type { SpFilesPanel } from './sp-files-panel.js'
import type { SpKeysPanel } from './sp-keys-panel.js'
import type { SoundChange, SpSoundPanel } from './sp-sound-panel.js'
import { toolbarStyles } from './sp-toolbar.styles.js'

/** What the toolbar can ask of the session. */
export type ToolbarAction = 'session_url' | 'full_screen' | 'disconnect'

/** Where the place of the handle is remembered, as a share of the width. Nothing depends on it. */
const PLACE = 'sallyport.handle'

/** How far a press must move to be a drag, in pixels. */
const DRAG = 4

/** The panels that drop from a button. */
type Panel = 'clipboard' | 'display' | 'extend' | 'files' | 'keys' | 'sound'
const PANELS: readonly string[] = ['clipboard', 'display', 'extend', 'files', 'keys', 'sound'] satisfies Panel[]

/** How many people are shown by their initials. */
const CROWD = 4

/**
 * The handle and the toolbar of a session (T1 to T6). Every item is shown only if the gateway's capabilities have it.
 *
 * @fires sp-action - detail: a ToolbarAction
 * @fires sp-paste - detail: text for the session
 * @fires sp-type - detail: text that the session is to be typed
 * @fires sp-keys - detail: codes of keys, to be pressed together
 * @fires sp-display - detail: a DisplayChange
 * @fires sp-sound - detail: a SoundChange
 * @fires sp-missing - a part of the client could not be loaded
 * @fires sp-refocus - the focus is to go back to the session
 * @fires sp-collapse - the toolbar has closed; detail: whether the focus was in it
 * @csspart handle - the pill's button
 * @csspart bar - the open toolbar
 * @csspart tool - each button of it
 * @csspart recording - the mark that the session is recorded, in the bar and on the handle
 * @slot - more items of the host, after Session URL
 */
export class SpToolbar extends SpElement {
  static override styles = [SpElement.styles, toolbarStyles]
  static override properties = {
    state: { attribute: false },
    bracketed: { attribute: false },
    look: { attribute: false },
    zoom: { attribute: false },
    prefs: { attribute: false },
    sound: { attribute: false },
    full: { attribute: false },
    files: { attribute: false },
    left: { attribute: false },
    extender: { attribute: false },
    open: { type: Boolean, reflect: true },
    panel: { state: true },
    place: { state: true },
    current: { state: true },
  }
  /** The view of the session. */
  declare state: State | undefined
  /** Asks whether the terminal has bracketed paste on. */
  declare bracketed: () => boolean
  /** How the terminal looks; undefined: there is none. */
  declare look: Look | undefined
  /** How a desktop is shown: what is chosen, and percent; undefined: there is none. */
  declare zoom: { chosen: Zoom; percent: number } | undefined
  /** What this browser prefers. */
  declare prefs: Prefs | undefined
  /** The session's sound; undefined: it has none. */
  declare sound: SoundLook | undefined
  /** Whether the session fills the screen; undefined: it cannot. */
  declare full: boolean | undefined
  /** The files of the session. */
  declare files: FilesClient | undefined
  /** Asks for the milliseconds that are left of the approved time; undefined: nothing ends the session. */
  declare left: () => number | undefined
  /** What moves its end. */
  declare extender: ExtendClient | undefined
  /** Whether the toolbar is open. */
  declare open: boolean
  declare private panel: '' | Panel
  declare private place: number
  declare private current: number
  readonly #auto = new AutoClose(windowClock, () => this.collapse())
  #work: FileWork | undefined // goes on while its panel is closed
  #dragged = false // the click that ends a drag opens nothing
  #dragging: { x: number; place: number; moved: boolean } | undefined

  constructor() {
    super()
    this.state = undefined
    this.bracketed = () => false
    this.look = undefined
    this.zoom = undefined
    this.prefs = undefined
    this.sound = undefined
    this.full = undefined
    this.files = undefined
    this.left = () => undefined
    this.extender = undefined
    this.open = false
    this.panel = ''
    this.place = remembered()
    this.current = 0
  }

  /** Opens the toolbar. by: what opened it; a key moves the focus into it, a pointer leaves it in the session. */
  async expand(by: 'key' | 'pointer'): Promise<void> {
    if (!this.open) {
      this.open = true
      this.current = 0
      this.#auto.opened()
      await this.updateComplete
      this.#fold()
    }
    if (by === 'key') this.#tools()[0]?.focus()
  }

  /** Whether a panel holds text of the user's that has not been sent. */
  filled(): boolean {
    return this.part$<SpClipboardPanel>('sp-clipboard-panel')?.filled ?? false
  }

  /** Closes the toolbar; the session goes on (I27). */
  collapse(): void {
    if (!this.open) return
    const focused = this.matches(':focus-within')
    this.panel = ''
    this.open = false
    this.#auto.closed()
    this.dispatchEvent(new CustomEvent('sp-collapse', { detail: focused }))
  }

  override connectedCallback(): void {
    super.connectedCallback()
    const on = { signal: this.live.signal }
    this.addEventListener('focusin', () => this.#auto.use('focus', this.open), on)
    this.addEventListener('focusout', () => this.#auto.use('focus', false), on)
    this.addEventListener('keydown', (e) => this.#key(e), on)
    window.addEventListener('resize', () => this.open && this.#fold(), on)
  }

  override disconnectedCallback(): void {
    this.#auto.closed()
    this.#dropWork()
    super.disconnectedCallback()
  }

  protected override updated(changed: PropertyValues): void {
    if (changed.has('panel')) this.#auto.use('panel', this.panel !== '')
    if (changed.has('place')) this.part$('.handle')?.style.setProperty('left', `${this.place * 100}%`)
    if ((changed.has('state') || changed.has('full') || changed.has('sound')) && this.open) this.#fold()
    if (this.panel === 'clipboard' && !this.#mayPaste()) this.panel = ''
    if (this.panel === 'keys' && !this.#mayKeys()) this.panel = ''
    if (this.panel === 'files' && !this.#mayFiles()) this.panel = ''
    if (this.panel === 'extend' && !this.#extendLabel()) this.panel = ''
    if (changed.has('files')) this.#dropWork()
    if (this.panel === 'sound' && !this.sound) this.panel = ''
    const tools = this.#tools()
    for (const [i, tool] of tools.entries()) tool.tabIndex = i === this.current ? 0 : -1
    // On a phone the bar is a grid of three, and Close fills what is left of the last row.
    const bar = this.part$('.bar')
    if (bar) bar.dataset.over = String((tools.length - 1) % 3)
  }

  override render() {
    return html`${this.#handle()}${this.open ? this.#bar() : nothing}${this.open ? this.#panel() : nothing}`
  }

  #handle() {
    const label = t('open_toolbar') + (this.state?.recorded ? `. ${t('recorded')}` : '')
    return html`<button class="handle" part="handle" aria-label=${label} aria-expanded=${this.open ? 'true' : 'false'} ?hidden=${this.open}
      @mousedown=${keepFocus} @pointerdown=${(e: PointerEvent) => this.#press(e)} @pointermove=${(e: PointerEvent) => this.#move(e)}
      @pointerup=${() => this.#release()} @pointercancel=${() => this.#release()}
      @click=${(e: MouseEvent) => this.#click(e)} @keydown=${(e: KeyboardEvent) => this.#nudge(e)}>
      ${this.state?.recorded ? html`<span class="dot" part="recording"></span>` : nothing}<span class="pill"></span>
    </button>`
  }

  #bar() {
    const s = this.state
    const name = s?.asset.name ?? ''
    return html`<div class="bar ${this.panel ? 'dropped' : ''}" part="bar" role="toolbar" aria-label=${t('toolbar')}
      @pointerenter=${() => this.#auto.use('pointer', true)} @pointerleave=${() => this.#auto.use('pointer', false)}
      @mousedown=${keepFocus} @pointerdown=${() => this.#auto.use('pointer', true)}>
      <div class="grp id">
        ${s?.asset.protocol ? html`<span class="proto">${s.asset.protocol}</span>` : nothing}
        <b dir="auto" title=${name}>${cutName(name)}</b>
        ${s && s.mode !== 'owner' ? html`<span class="badge">${icon('eye', 'i i-s')}${t(`mode_${s.mode}`)}</span>` : nothing}
        ${s?.recorded ? html`<span class="rec" part="recording" title=${t('recorded')}><span class="dot"></span><span>${t('rec')}</span></span>` : nothing}
        ${this.#crowd(s?.people ?? [])}
      </div>
      ${
        s?.expires
          ? html`<div class="grp expiry">
              <sp-countdown .left=${this.left}></sp-countdown>
              ${this.#extendLabel() ? this.#tool('extend', 'clock', this.#extendLabel(), () => this.#toggle('extend'), 'link') : nothing}
            </div>`
          : nothing
      }
      <div class="grp">
        ${this.#mayPaste() ? this.#tool('clipboard', 'clipboard', t('clipboard'), () => this.#toggle('clipboard')) : nothing}
        ${this.#mayFiles() ? this.#tool('files', 'folder', this.#filesLabel(), () => this.#toggle('files')) : nothing}
        ${this.#mayKeys() ? this.#tool('keys', 'keyboard', t('send_keys'), () => this.#toggle('keys')) : nothing}
        ${s?.capabilities.session_url ? this.#tool('session_url', 'link', t('session_url'), () => this.#act('session_url')) : nothing}
        <slot></slot>
        ${this.sound ? this.#tool('sound', this.sound.state === 'playing' ? 'sound' : 'mute', t('sound'), () => this.#toggle('sound')) : nothing}
        ${this.look || this.zoom ? this.#tool('display', this.look ? 'palette' : 'monitor', t('display'), () => this.#toggle('display')) : nothing}
        ${this.full === undefined ? nothing : this.#tool('full', this.full ? 'unfill' : 'fill', t(this.full ? 'full_screen_leave' : 'full_screen'), () => this.#act('full_screen'))}
      </div>
      <div class="grp">
        ${this.#tool('disconnect', 'power', t(s && s.mode !== 'owner' ? 'leave' : 'disconnect'), () => this.#act('disconnect'), 'leave')}
        ${this.#tool('close', 'up', t('close'), () => this.collapse(), 'shut')}
      </div>
    </div>`
  }

  #tool(id: string, mark: IconName, label: string, act: () => void, extra = '') {
    const drops = PANELS.includes(id)
    return html`<button class="tool ${extra}" part="tool" data-id=${id} title=${label}
      aria-haspopup=${drops ? 'dialog' : nothing} aria-expanded=${drops ? String(this.panel === id) : nothing} @click=${act}>
      ${icon(mark)}<span>${label}</span>
    </button>`
  }

  #crowd(people: Person[]) {
    if (people.length === 0) return nothing
    const label = people.length === 1 ? t('people_one') : t('people', { n: people.length })
    const shown = people.length > CROWD ? people.slice(0, CROWD - 1) : people
    const rest = people.slice(shown.length)
    const about = (p: Person): string => `${p.name}${p.self ? ` (${t('you')})` : ''}`
    return html`<span class="crowd" role="img" aria-label="${label}: ${people.map(about).join(', ')}">
      ${shown.map((p, i) => html`<span class="who w${i + 1}" title=${about(p)}>${initials(p.name)}</span>`)}
      ${rest.length > 0 ? html`<span class="who w4" title=${rest.map(about).join(', ')}>+${rest.length}</span>` : nothing}
    </span>`
  }

  #panel() {
    if (this.panel === 'display' && this.look) {
      return html`<sp-display-panel .look=${this.look} .prefs=${this.prefs}
        @sp-display=${(e: CustomEvent<DisplayChange>) => this.dispatchEvent(new CustomEvent('sp-display', { detail: e.detail }))}
        @sp-panel-close=${(e: CustomEvent<boolean>) => this.#closePanel(e.detail)}></sp-display-panel>`
    }
    if (this.panel === 'sound' && this.sound) {
      return html`<sp-sound-panel .look=${this.sound}
        @sp-sound=${(e: CustomEvent<SoundChange>) => this.dispatchEvent(new CustomEvent('sp-sound', { detail: e.detail }))}
        @sp-panel-close=${(e: CustomEvent<boolean>) => this.#closePanel(e.detail)}></sp-sound-panel>`
    }
    if (this.panel === 'display' && this.zoom) {
      return html`<sp-desk-panel .zoom=${this.zoom.chosen} .percent=${this.zoom.percent} ?statistics=${this.prefs?.statistics}
        @sp-display=${(e: CustomEvent<DisplayChange>) => this.dispatchEvent(new CustomEvent('sp-display', { detail: e.detail }))}
        @sp-panel-close=${(e: CustomEvent<boolean>) => this.#closePanel(e.detail)}></sp-desk-panel>`
    }
    if (this.panel === 'extend') {
      return html`<sp-extend-panel .expiry=${this.state?.expires} .client=${this.extender}
        @sp-panel-close=${(e: CustomEvent<boolean>) => this.#closePanel(e.detail)}></sp-extend-panel>`
    }
    if (this.panel === 'keys') {
      return html`<sp-keys-panel @sp-keys=${(e: CustomEvent<string[]>) => this.#sendKeys(e.detail)}
        @sp-panel-close=${(e: CustomEvent<boolean>) => this.#closePanel(e.detail)}></sp-keys-panel>`
    }
    if (this.panel === 'files' && this.files && this.#work) {
      return html`<sp-files-panel .files=${this.files} .work=${this.#work} .capabilities=${this.state?.capabilities ?? {}}
        .assetName=${this.state?.asset.name ?? ''}
        @sp-panel-close=${(e: CustomEvent<boolean>) => this.#closePanel(e.detail)}></sp-files-panel>`
    }
    if (this.panel !== 'clipboard') return nothing
    return html`<sp-clipboard-panel ?recorded=${this.state?.capabilities.clipboard_upload === 'record'}
      ?bracketed=${this.bracketed()} ?types=${this.zoom !== undefined && mayUse(this.state, 'keyboard')}
      @sp-type=${(e: CustomEvent<string>) => this.#type(e)} @sp-paste=${(e: CustomEvent<string>) => this.#paste(e)}
      @sp-panel-close=${(e: CustomEvent<boolean>) => this.#closePanel(e.detail)}></sp-clipboard-panel>`
  }

  #mayPaste(): boolean {
    return mayUse(this.state, 'clipboard_upload')
  }

  // Either direction makes it worth having; the panel shows what there is of each (I11).
  #mayFiles(): boolean {
    return this.files !== undefined && (mayUse(this.state, 'file_upload') || mayUse(this.state, 'file_download'))
  }

  #filesLabel(): string {
    const n = this.#work?.running ?? 0
    return n > 0 ? t('files_running', { n }) : t('files')
  }

  async #loadFiles(): Promise<void> {
    const { FileWork } = await import('./files-panel.js')
    if (!this.files || this.#work) return
    this.#work = new FileWork(this.files)
    this.#work.addEventListener('change', () => this.requestUpdate())
  }

  #dropWork(): void {
    this.#work?.close()
    this.#work = undefined
  }

  // I21: the combinations are those of Windows.
  #mayKeys(): boolean {
    const asset = this.state?.asset
    return asset?.protocol === 'rdp' && asset.os === 'windows' && mayUse(this.state, 'keyboard')
  }

  // I4: the label follows how far an extension is.
  #extendLabel(): string {
    switch (this.state?.expires?.extend) {
      case 'now':
      case 'approved':
        return t('extend')
      case 'request':
        return t('extend_request')
      case 'pending':
        return t('extend_pending')
      default:
        return ''
    }
  }

  #sendKeys(codes: string[]): void {
    this.dispatchEvent(new CustomEvent('sp-keys', { detail: codes }))
    this.#closePanel(false)
  }

  // What is rarely wanted, and not small.
  readonly #parts: Partial<Record<Panel, () => Promise<unknown>>> = {
    display: () => import('./display-panel.js'),
    extend: () => import('./extend-panel.js'),
    files: () => this.#loadFiles(),
  }

  async #toggle(panel: Panel): Promise<void> {
    if (this.panel === panel) return this.#closePanel(false)
    const load = this.#parts[panel]
    if (load) {
      try {
        await load()
      } catch {
        this.dispatchEvent(new CustomEvent('sp-missing'))
        return
      }
      if (!this.open) return
    }
    this.panel = panel
    await this.updateComplete
    const name = panel === 'display' && this.zoom ? 'desk' : panel
    const dropped = this.part$<
      SpClipboardPanel | SpDeskPanel | SpDisplayPanel | SpExtendPanel | SpFilesPanel | SpKeysPanel | SpSoundPanel
    >(`sp-${name}-panel`)
    const button = this.part$(`[data-id='${panel}']`)
    if (!dropped || !button) return
    await dropped.updateComplete
    const left = Math.max(
      8,
      Math.min(
        button.getBoundingClientRect().left - this.getBoundingClientRect().left - 10,
        this.clientWidth - dropped.offsetWidth - 8,
      ),
    )
    dropped.style.setProperty('--sp-panel-left', `${left}px`)
    if ('read' in dropped) void dropped.read()
    else dropped.focus()
  }

  // Closed by a key, the focus goes back to the button; by the pointer, to the session.
  #closePanel(byKey: boolean): void {
    const button = this.part$(`[data-id='${this.panel}']`)
    this.panel = ''
    if (byKey)
      void this.updateComplete.then(() => button?.focus()) // on a phone it is hidden until then
    else this.dispatchEvent(new CustomEvent('sp-refocus'))
  }

  #paste(e: CustomEvent<string>): void {
    this.dispatchEvent(new CustomEvent('sp-paste', { detail: e.detail }))
    this.collapse()
  }

  #type(e: CustomEvent<string>): void {
    this.collapse()
    this.dispatchEvent(new CustomEvent('sp-type', { detail: e.detail }))
  }

  #act(action: ToolbarAction): void {
    this.dispatchEvent(new CustomEvent('sp-action', { detail: action }))
  }

  #tools(): HTMLElement[] {
    const slot = this.part$<HTMLSlotElement>('slot')
    const added =
      slot?.assignedElements({ flatten: true }).filter((e): e is HTMLElement => e instanceof HTMLElement) ?? []
    const own = [...this.renderRoot.querySelectorAll<HTMLElement>('.tool')]
    const after = own.findIndex((e) => ['sound', 'display', 'full', 'disconnect'].includes(e.dataset.id ?? ''))
    return after < 0 ? own : [...own.slice(0, after), ...added, ...own.slice(after)]
  }

  // Typed keys in our fields are ours alone; Esc closes the innermost layer, arrows move inside the bar.
  #key(e: KeyboardEvent): void {
    e.stopPropagation()
    if (e.key === 'Escape') {
      e.preventDefault()
      if (this.panel) this.#closePanel(true)
      else this.collapse()
      return
    }
    const tools = this.#tools()
    const at = tools.indexOf((e.composedPath()[0] as HTMLElement) ?? this)
    if (at < 0) return
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tools.length - 1 }[e.key]
    if (to === undefined) return
    e.preventDefault()
    this.current = (to + tools.length) % tools.length
    tools[this.current]?.focus()
  }

  // Labels fold to icons, one after the other, until the bar fits. Disconnect keeps its label.
  #fold(): void {
    const bar = this.part$('.bar')
    if (!bar) return
    const order = ['close', 'extend', 'display', 'full', 'session_url', 'keys', 'files', 'clipboard']
    const tool = (id: string) => bar.querySelector(`[data-id='${id}']`)
    for (const id of order) tool(id)?.classList.remove('fold')
    for (const id of order) {
      if (bar.scrollWidth <= bar.clientWidth) return
      tool(id)?.classList.add('fold')
    }
  }

  #press(e: PointerEvent): void {
    if (e.button !== 0) return
    this.#dragged = false
    this.#dragging = { x: e.clientX, place: this.place, moved: false }
    if (e.target instanceof Element) e.target.setPointerCapture(e.pointerId)
  }

  #move(e: PointerEvent): void {
    const drag = this.#dragging
    if (!drag || (!drag.moved && Math.abs(e.clientX - drag.x) < DRAG)) return
    drag.moved = true
    this.place = within(drag.place + (e.clientX - drag.x) / Math.max(1, this.clientWidth))
  }

  #release(): void {
    this.#dragged = this.#dragging?.moved ?? false
    if (this.#dragged) remember(this.place)
    this.#dragging = undefined
  }

  #click(e: MouseEvent): void {
    const dragged = this.#dragged && e.detail !== 0
    this.#dragged = false
    if (!dragged) void this.expand(e.detail === 0 ? 'key' : 'pointer')
  }

  #nudge(e: KeyboardEvent): void {
    const by = { ArrowLeft: -0.02, ArrowRight: 0.02 }[e.key]
    if (by === undefined) return
    e.preventDefault()
    this.place = within(this.place + by)
    remember(this.place)
  }
}

// A click leaves the focus in the session: only the keyboard moves it here.
const keepFocus = (e: Event): void => e.preventDefault()

const within = (place: number): number => Math.min(0.95, Math.max(0.05, place))

function remembered(): number {
  try {
    const place = Number.parseFloat(localStorage.getItem(PLACE) ?? '')
    return Number.isFinite(place) ? within(place) : 0.5
  } catch {
    return 0.5 // storage may be closed to this page
  }
}

function remember(place: number): void {
  try {
    localStorage.setItem(PLACE, place.toFixed(3))
  } catch {
    // It stays where it is until the page goes.
  }
}
