import { html, nothing, svg } from 'lit'
import { Refused } from '../core/gateway.js'
import { clockTime, Player, type Recording, SPEEDS, type Stage } from '../core/player.js'
import type { Code } from '../core/types.js'
import type { Desk } from '../desk/desk.js'
import { codeText, locale, t } from '../i18n/index.js'
import { apiBase, fetchSegment, openPlayback } from '../net/http.js'
import { utf8, windowClock } from '../net/window.js'
import type { ScreenEvents, TextScreen } from '../term/screen.js'
import { SpElement } from './base.js'
import { icon } from './icons.js'
import { playerStyles } from './sp-player.styles.js'
import type { SpToken } from './sp-token.js'
import { type Screens, SpViewer, screensOf } from './viewer.js'

/** How far the buttons and the arrow keys go, in milliseconds. */
const STEP = 10_000
const KEY_STEP = 5000
/** How often the time is shown while it runs. */
const TICK = 100

/**
 * Plays the recording of one session: its terminal or its desktop, and a bar with the time. Opening it is an event of the audit (R10). It fills
 * its box.
 *
 * @attr session-id - the session
 * @attr asset-name - shown until the gateway tells the name
 * @attr base - the address of the broker's mount, on this origin; default: where the bundle came from
 * @attr page - the element is what the page is about: its name is the page's heading
 * @attr theme - light or dark; default: as the page
 * @csspart stage - what was recorded
 * @csspart controls - the bar below it
 */
export class SpPlayer extends SpViewer {
  static override styles = [SpElement.styles, playerStyles]
  static override properties = {
    rec: { state: true },
    fault: { state: true },
    asking: { state: true },
  }
  declare private rec: Recording | undefined
  declare private fault: Code
  declare private asking: boolean // for a second factor

  #player: Player | undefined
  #terminal: TextScreen | undefined
  #desk: Desk | undefined
  #opening = 0
  #ticking: ReturnType<typeof setInterval> | undefined

  constructor() {
    super()
    this.rec = undefined
    this.fault = ''
    this.asking = false
  }

  override connectedCallback(): void {
    super.connectedCallback()
    document.addEventListener('keydown', (e) => this.#key(e), { signal: this.live.signal })
    void this.#open('')
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    this.#shut()
  }

  protected override reopen(): void {
    void this.#open('')
  }

  /** The desktop, if that is what was recorded: its pixels, and what drawing it takes. */
  get desk(): Pick<Desk, 'snapshot' | 'stats'> | undefined {
    return this.#desk
  }

  override render() {
    const rec = this.rec
    return html`${this.#head(rec)} ${rec ? this.#words(rec) : nothing}
      <div class="stage" part="stage">
        <div class="screen" role="img" aria-label=${t('recording_of', { asset: rec?.assetName || this.assetName })} inert></div>
        ${this.#over(rec)}
      </div>
      ${rec && this.#player ? this.#controls(rec, this.#player) : nothing}`
  }

  #head(rec: Recording | undefined) {
    const name = html`<bdi>${rec?.assetName || this.assetName}</bdi>`
    const title = this.page ? html`<h1 class="cut">${name}</h1>` : html`<h2 class="cut">${name}</h2>`
    if (!rec) return html`<div class="head">${title}</div>`
    const end = rec.started + rec.duration
    const day = new Intl.DateTimeFormat(timeLocale(), { dateStyle: 'medium', timeStyle: 'short' })
    const about = html`<span class="about cut" dir="auto">${rec.userName}, ${day.formatRange(rec.started, end)}</span>`
    return html`<div class="head">
      <div class="line grow"><span class="proto">${rec.protocol}</span>${title}${about}</div>
      ${this.#badge(rec)}
    </div>`
  }

  #badge(rec: Recording) {
    const [tone, mark, text] = rec.live
      ? (['info', 'shieldPlain', t('rec_live')] as const)
      : rec.state === 'valid-complete'
        ? (['ok', 'shield', t('rec_complete')] as const)
        : rec.state === 'valid-incomplete'
          ? (['warn', 'shieldPlain', t('rec_incomplete')] as const)
          : (['danger', 'shieldX', t('rec_broken', { at: clockTime(rec.duration) })] as const)
    return html`<span class="state ${tone}">${icon(mark)}<span>${text}</span></span>`
  }

  #words(rec: Recording) {
    const at = clockTime(rec.duration)
    const signed = rec.signed < rec.duration ? ` ${t('about_signed', { at: clockTime(rec.signed) })}` : ''
    if (rec.state === 'broken')
      return html`<p class="words danger" role="alert">${t('about_broken', { at })}${signed}</p>`
    if (rec.live) return html`<p class="words info">${t('about_live')}</p>`
    if (rec.state === 'valid-incomplete') return html`<p class="words warn">${t('about_incomplete')}${signed}</p>`
    return nothing
  }

  #over(rec: Recording | undefined) {
    const fault = this.fault || this.#player?.fault
    if (this.asking) {
      return html`<div class="wait"><form class="card" @submit=${(e: Event) => this.#submit(e)}>
        <sp-token @keydown=${(e: KeyboardEvent) => this.#enter(e)}></sp-token>
        <div class="row"><button class="btn primary">${icon('play')}${t('play')}</button></div>
      </form></div>`
    }
    if (fault) {
      const { title, text } = fault === 'unreachable' ? { title: t('unreachable'), text: '' } : codeText(fault)
      return html`<div class="wait"><div class="card" role="alert">
        <h2>${title}</h2><p>${text}</p>
        <div class="row"><button class="btn" @click=${() => void this.#open('')}>${t('try_again')}</button></div>
      </div></div>`
    }
    if (!rec) {
      return html`<div class="wait"><p class="card" role="status"><span class="line"><span class="spin"></span>${t('checking')}</span></p></div>`
    }
    if (rec.segments.length === 0)
      return html`<div class="wait"><p class="card" role="status">${t('rec_empty')}</p></div>`
    return this.#player?.busy ? html`<span class="seeking"><span class="spin s"></span></span>` : nothing
  }

  #controls(rec: Recording, player: Player) {
    const at = Math.round(player.position)
    const share = (n: number): string => `${rec.duration > 0 ? Math.min(100, (100 * n) / rec.duration) : 0}%`
    const clock = new Intl.DateTimeFormat(timeLocale(), { timeStyle: 'medium' }).format(rec.started + at)
    return html`<div class="controls" part="controls">
      <div class="time">
        <svg aria-hidden="true">
          <defs><pattern id="idle" width="4" height="4" patternUnits="userSpaceOnUse"><rect class="idle-0" width="4" height="4"></rect><path class="idle-1" d="M-1 1L1 -1M0 4L4 0M3 5L5 3"></path></pattern></defs>
          <rect class="all" width="100%" height="6"></rect>
          <rect class="done" width=${share(at)} height="6"></rect>
          ${rec.idle.map(([from, to]) => svg`<rect class="idle" x=${share(from)} width=${share(to - from)} height="6"></rect>`)}
          ${rec.state === 'broken' ? svg`<rect class="bad" x="99%" width="1%" height="6"></rect>` : nothing}
        </svg>
        <input type="range" min="0" max=${rec.duration} step="1" .value=${String(at)} aria-label=${t('position')}
          aria-valuetext=${t('position_of', { at: clockTime(at), all: clockTime(rec.duration) })}
          @input=${(e: Event) => player.seek(Number((e.target as HTMLInputElement).value))} />
      </div>
      <div class="bar">
        ${this.#button('back', t('back_10'), () => player.seek(player.position - STEP))}
        ${this.#button(player.playing ? 'pause' : 'play', player.playing ? t('pause') : t('play'), () => this.#toggle(), 'primary')}
        ${this.#button('forward', t('forward_10'), () => player.seek(player.position + STEP))}
        <span class="num"><span class="at">${clockTime(at)}</span> <span class="of">/ ${clockTime(rec.duration)}</span></span>
        <span class="wall num" title=${t('wall_clock')}>${clock}</span>
        <span class="grow"></span>
        <label class="check"><input type="checkbox" .checked=${player.skipIdle}
          @change=${(e: Event) => player.setSkipIdle((e.target as HTMLInputElement).checked)} />${t('skip_idle')}</label>
        <fieldset><legend class="vh">${t('speed')}</legend><div class="seg">
          ${SPEEDS.map(
            (n) => html`<label class="num"><input type="radio" name="speed" value=${n} .checked=${player.speed === n}
              aria-label=${t('speed_times', { n })} @change=${() => player.setSpeed(n)} />${n === player.speed ? `${n}×` : n}</label>`,
          )}
        </div></fieldset>
      </div>
    </div>`
  }

  #button(name: 'back' | 'play' | 'pause' | 'forward', label: string, act: () => void, look = 'ghost') {
    return html`<button class="btn icon ${look}" aria-label=${label} title=${label} @click=${act}>${icon(name)}</button>`
  }

  #toggle(): void {
    if (this.#player?.playing) this.#player.pause()
    else this.#player?.play()
  }

  // Keys count within the element, and on the page where nothing else has the focus.
  #key(e: KeyboardEvent): void {
    const player = this.#player
    const around = e.target instanceof Node && e.target.contains(this)
    if (!player || e.defaultPrevented || e.ctrlKey || e.altKey || e.metaKey || e.shiftKey) return
    if (!around || takes(e.composedPath()[0], e.key)) return
    const act = {
      ' ': () => this.#toggle(),
      ArrowLeft: () => player.seek(player.position - KEY_STEP),
      ArrowRight: () => player.seek(player.position + KEY_STEP),
      Home: () => player.seek(0),
      End: () => player.seek(Number.POSITIVE_INFINITY),
    }[e.key]
    if (!act) return
    e.preventDefault()
    act()
  }

  // The token's field is in a tree of its own, from where Enter does not find the form.
  #enter(e: KeyboardEvent): void {
    if (e.key === 'Enter' && !e.isComposing) this.#submit(e)
  }

  #submit(e: Event): void {
    e.preventDefault()
    const field = this.part$<SpToken>('sp-token')
    if (field?.ready()) void this.#open(field.token)
  }

  async #open(token: string): Promise<void> {
    const mine = ++this.#opening
    const at = this.#player?.position ?? 0
    this.#shut()
    if (!this.sessionId) return
    this.fault = ''
    if (!token) this.rec = undefined
    try {
      const rec = await openPlayback(apiBase(this.base), this.sessionId, token)
      if (mine !== this.#opening || !this.isConnected) return
      this.asking = false
      this.rec = rec
      await this.updateComplete
      await this.#begin(rec, at, mine)
    } catch (err) {
      if (mine !== this.#opening) return
      await this.#refused(err)
    }
  }

  async #refused(err: unknown): Promise<void> {
    const code = err instanceof Refused ? err.code : 'unreachable'
    if (!code.startsWith('mfa_') || code === 'mfa_unavailable' || code === 'mfa_not_enrolled') {
      this.asking = false
      this.fault = code
      return
    }
    const again = this.asking
    this.asking = true
    await this.updateComplete
    const field = this.part$<SpToken>('sp-token')
    if (again && err instanceof Refused) field?.refused(err)
    else field?.focus()
  }

  async #begin(rec: Recording, at: number, mine: number): Promise<void> {
    const stage = await this.#stage(rec)
    if (!stage || mine !== this.#opening) return
    this.#player = new Player(rec, {
      load: (n) => fetchSegment(apiBase(this.base), rec, n),
      decode: utf8.decode,
      stage,
      clock: windowClock,
      changed: () => this.#changed(),
    })
    this.#player.seek(at)
  }

  #changed(): void {
    this.requestUpdate()
    const on = this.#player?.playing ?? false
    if (on === (this.#ticking !== undefined)) return
    clearInterval(this.#ticking)
    this.#ticking = on ? setInterval(() => this.requestUpdate(), TICK) : undefined
  }

  async #stage(rec: Recording): Promise<Stage | undefined> {
    const parent = this.part$('.screen')
    if (!parent) return undefined
    const screens = await screensOf(rec.protocol)
    if (!this.isConnected) return undefined
    if (screens.kind === 'desk') return this.#deskStage(screens, parent, rec)
    const screen = screens.open(parent, look, deaf)
    screen.setInput(false)
    this.#terminal = screen
    return {
      write: (frame) => screen.write(frame),
      reset: async (size) => {
        await screen.write({ kind: 'output', key: true, droppable: false, payload: new Uint8Array(0) })
        screen.hold(size?.cols ?? 80, size?.rows ?? 24)
      },
      resize: (size) => screen.hold(size.cols, size.rows),
    }
  }

  // A key frame tells a desktop to forget what was before. The begin of a recording is none: it gets a desktop of its own.
  #deskStage(screens: Screens & { kind: 'desk' }, parent: HTMLElement, rec: Recording): Stage {
    const open = (): Desk => {
      this.#desk?.dispose()
      const quiet = (): void => {}
      const label = t('recording_of', { asset: rec.assetName })
      const desk = screens.open(
        parent,
        { fits: false, scale: 100, label },
        {
          key: quiet,
          pointer: quiet,
          paste: async () => {},
          copied: quiet,
          resized: quiet,
          failed: (why) => {
            console.error('sallyport:', why)
            this.#player?.pause()
            this.fault = 'recording_broken'
          },
        },
      )
      desk.setInput(false)
      this.#desk = desk
      return desk
    }
    let desk = open()
    let used = false
    return {
      write: (frame) => {
        used = true
        return desk.write(frame)
      },
      reset: async (_, fresh) => {
        if (fresh && used) desk = open()
        used = false
        await desk.write({ kind: 'cursor', key: false, droppable: false, payload: Uint8Array.of(1) }) // the system's
        desk.point(undefined)
      },
      resize: () => {},
      point: (at) => desk.point(at),
    }
  }

  #shut(): void {
    clearInterval(this.#ticking)
    this.#ticking = undefined
    this.#player?.stop()
    this.#player = undefined
    this.#terminal?.dispose()
    this.#terminal = undefined
    this.#desk?.dispose()
    this.#desk = undefined
  }
}

/** Whether a key is that of the thing that has the focus. */
function takes(on: EventTarget | undefined, key: string): boolean {
  if (on instanceof HTMLButtonElement || on instanceof HTMLAnchorElement) return key === ' '
  if (!(on instanceof HTMLInputElement)) return false
  switch (on.type) {
    case 'range':
      return false
    case 'checkbox':
      return key === ' '
    case 'radio':
      return key === ' ' || key.startsWith('Arrow')
    default:
      return true
  }
}

/** The user's way to write times, in the language of the page. */
function timeLocale(): string {
  return navigator.languages.find((l) => l.toLowerCase().startsWith(locale())) ?? locale()
}

/** How a terminal looks whose session is over: as it was launched by default. */
const look = { fontSize: 14, scrollback: 5000, scheme: 'auto', copyOnSelect: false, screenReader: false } as const

/** A recording hears nothing, and its bell has rung. */
const deaf: ScreenEvents = {
  input: () => {},
  paste: () => {},
  copied: () => {},
  linked: () => {},
  rang: () => {},
  zoomed: () => {},
  resized: () => {},
  titled: () => {},
  wants: () => {},
}
