import type { ServerFrame, Size } from '../core/frame.js'
import type { SessionInfo } from '../core/gateway.js'
import type { Screen } from '../core/screen.js'
import type { Session } from '../core/session.js'
import { mayUse, type State } from '../core/types.js'
import type { Desk } from '../desk/desk.js'
import { deskLook } from '../desk/look.js'
import { t } from '../i18n/index.js'
import type { LinkTarget } from '../term/link.js'
import type { ScreenEvents, TextScreen } from '../term/screen.js'
import type { DisplayKeeper } from './display-keeper.js'
import type { DisplayChange } from './sp-display-panel.js'
import { type Screens, screensOf } from './viewer.js'

/** A terminal's size before there is one. */
const NO_SIZE: Size = { cols: 80, rows: 24, width: 0, height: 0 }

/** What a session's screen needs of the element around it, and tells it. */
export interface ScreenHost {
  /** What takes the input; undefined once nothing is shown. */
  session(): Session | undefined
  /** Where it is drawn. */
  box(): HTMLElement | null
  assetName(): string
  /** The user pastes; read: what it is was before their eyes. */
  paste(text: string, read: boolean): Promise<void>
  /** A text of the session's clipboard has come. */
  took(text: string): void
  titled(title: string): void
  rang(): void
  /** The user wants links; at: where one was clicked, in pixels of the window. */
  links(targets: LinkTarget[], at: { x: number; y: number } | undefined): void
  find(): void
  /** The user has changed how it looks. */
  displayed(change: DisplayChange): void
  warn(text: string): void
  /** What is said about the desktop has changed. */
  scaled(): void
}

/** SessionScreen is what draws a session and takes its input: a terminal or a desktop, as the protocol says, once that is known. */
export class SessionScreen {
  readonly #host: ScreenHost
  readonly #display: DisplayKeeper
  #any: Screen | undefined
  #text: TextScreen | undefined
  #desk: Desk | undefined

  constructor(display: DisplayKeeper, host: ScreenHost) {
    this.#display = display
    this.#host = host
  }

  /** The screen, if it is a terminal. */
  get text(): TextScreen | undefined {
    return this.#text
  }

  /** The screen, if it is a desktop. */
  get desk(): Desk | undefined {
    return this.#desk
  }

  get there(): boolean {
    return this.#any !== undefined
  }

  size(): Size {
    return this.#any?.size() ?? NO_SIZE
  }

  focus(): void {
    this.#any?.focus()
  }

  /** Whether the program on a terminal wants to be told what is pasted. */
  bracketed(): boolean {
    return this.#text?.bracketed() ?? false
  }

  async write(frame: ServerFrame): Promise<void> {
    await this.#any?.write(frame)
  }

  /** Opens what draws this session; once. It takes no input before it is told to. */
  async open(info: SessionInfo): Promise<void> {
    const screens = await screensOf(info.protocol)
    const box = this.#host.box()
    if (!box || !this.#host.session() || this.#any) return
    this.#any = screens.kind === 'desk' ? this.#openDesk(screens, box, info) : this.#openText(screens, box, info)
    this.#any.setInput(false)
  }

  /** Lets through what the person may do now; live: the session takes input. */
  follow(state: State | undefined, live: boolean): void {
    this.#text?.setCopy(state?.capabilities.clipboard_download)
    this.#desk?.setPaste(mayUse(state, 'clipboard_upload'))
    this.#any?.setInput(live && mayUse(state, 'keyboard'))
  }

  /** Takes over how it is to look. */
  look(): void {
    this.#text?.setLook({ ...this.#display.look, ...this.#display.prefs })
    this.#desk?.setZoom(this.#display.zoom)
  }

  dispose(): void {
    this.#any?.dispose()
    this.#any = undefined
    this.#text = undefined
    this.#desk = undefined
  }

  #openText(screens: Screens & { kind: 'terminal' }, box: HTMLElement, info: SessionInfo): Screen {
    this.#text = screens.open(box, this.#display.begin(info.params), this.#textEvents())
    return this.#text
  }

  #openDesk(screens: Screens & { kind: 'desk' }, box: HTMLElement, info: SessionInfo): Screen {
    const host = this.#host
    const look = deskLook(info.params, t('desktop', { asset: host.assetName() }))
    this.#desk = screens.open(box, look, {
      key: (events) => host.session()?.key(events),
      pointer: (events) => host.session()?.pointer(events),
      paste: (text) => host.paste(text, true),
      copied: (text) => host.took(text),
      resized: (size) => host.session()?.resize(size),
      scaled: () => host.scaled(),
      failed: (why) => {
        console.error('sallyport:', why)
        host.warn(t('picture_failed'))
      },
    })
    this.#desk.setZoom(this.#display.beginDesk(info.params))
    return this.#desk
  }

  #textEvents(): ScreenEvents {
    const host = this.#host
    return {
      input: (bytes) => host.session()?.key(bytes),
      paste: (text) => void host.paste(text, false),
      copied: (text) => host.session()?.copied(text),
      resized: (size) => host.session()?.resize(size),
      titled: (title) => host.titled(title),
      linked: (target, at) => host.links([target], at),
      rang: () => host.rang(),
      zoomed: (fontSize) => host.displayed({ fontSize }),
      wants: (what) => {
        if (what === 'copy_denied') host.warn(t('copy_denied'))
        else if (what === 'links') host.links(this.#text?.links() ?? [], undefined)
        else host.find()
      },
    }
  }
}
