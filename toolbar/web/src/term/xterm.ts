import { FitAddon } from '@xterm/addon-fit'
import { SearchAddon } from '@xterm/addon-search'
import { UnicodeGraphemesAddon } from '@xterm/addon-unicode-graphemes'
import { WebglAddon } from '@xterm/addon-webgl'
import { Terminal } from '@xterm/xterm'
import type { ServerFrame, Size } from '../core/frame.js'
import { styleByObject, syncWriter } from './internals.js'
import type { LinkTarget } from './link.js'
import { linksInView, offerLinks } from './links.js'
import { pageNonce, withNonce } from './nonce.js'
import { channelScheduler, Pump } from './pump.js'
import { leastContrast, MAX_FONT, MIN_FONT, schemeColours } from './schemes.js'
import type { ScreenEvents, TerminalLook, TextScreen } from './screen.js'

/** How long the size must stay the same before the target hears of it, in milliseconds. */
const RESIZE_DELAY = 100

/** The text of a terminal that is held at a size, in pixels. */
const MIN_HELD = 4
const MAX_HELD = 20

/** The most characters of a title that a target may set. */
const MAX_TITLE = 120

/** The longest mark of a link that is read, in bytes: its address and its parameters. The server's screen model has the same limit. */
const MAX_LINK = 4 << 10

const encoder = new TextEncoder()

/** Cancels whatever sequence the terminal is in the middle of. */
const CANCEL = Uint8Array.of(0x18)

/** Makes the terminal of a session in parent, which must be in the document. */
export function openTerminal(parent: HTMLElement, look: TerminalLook, events: ScreenEvents): TextScreen {
  return new TerminalScreen(parent, look, events)
}

class TerminalScreen implements TextScreen {
  readonly #term: Terminal
  readonly #fit = new FitAddon()
  readonly #search = new SearchAddon()
  readonly #pump: Pump
  readonly #live = new AbortController()
  readonly #events: ScreenEvents
  readonly #look: TerminalLook
  readonly #fontSize: number // at first, and after Ctrl+0
  readonly #nonce = pageNonce()
  readonly #parent: HTMLElement
  #webgl: WebglAddon | undefined
  #copy: 'allow' | 'record' | undefined
  #input = true
  #held: { cols: number; rows: number } | undefined
  #resizing: ReturnType<typeof setTimeout> | undefined

  constructor(parent: HTMLElement, look: TerminalLook, events: ScreenEvents) {
    this.#events = events
    this.#look = { ...look }
    this.#fontSize = clampFont(look.fontSize)
    this.#term = new Terminal({
      allowProposedApi: true, // the unicode versions
      cursorBlink: false,
      fontFamily: getComputedStyle(parent).fontFamily,
      fontSize: clampFont(look.fontSize),
      lineHeight: 1.2,
      logLevel: 'off',
      macOptionIsMeta: false,
      minimumContrastRatio: leastContrast(look.scheme),
      rightClickSelectsWord: false,
      screenReaderMode: look.screenReader,
      scrollback: look.scrollback,
      theme: this.#theme(),
    })
    const scheduler = channelScheduler()
    const writeNow = syncWriter(this.#term)
    this.#pump = new Pump({
      write: writeNow ?? ((bytes) => this.#term.write(bytes)),
      schedule: scheduler.schedule,
      now: () => performance.now(),
      hidden: () => document.visibilityState === 'hidden',
    })
    this.#live.signal.addEventListener('abort', scheduler.close)
    this.#term.loadAddon(this.#fit)
    this.#term.loadAddon(this.#search)
    this.#term.loadAddon(new UnicodeGraphemesAddon())
    this.#harden()
    withNonce(this.#nonce, () => {
      this.#term.open(parent)
      styleByObject(this.#term)
    })
    this.#parent = parent
    this.#paint()
    this.#accelerate()
    this.#fit.fit()
    this.#listen(parent)
  }

  write(frame: ServerFrame): Promise<void> {
    if (frame.kind !== 'output') return Promise.resolve()
    if (frame.key) {
      this.#pump.run(() => {
        syncWriter(this.#term)?.(CANCEL)
        this.#term.reset()
      })
    }
    return this.#pump.write(frame.payload)
  }

  size(): Size {
    const box = this.#term.element?.getBoundingClientRect()
    return {
      cols: this.#term.cols,
      rows: this.#term.rows,
      width: Math.round(box?.width ?? 0),
      height: Math.round(box?.height ?? 0),
    }
  }

  focus(): void {
    this.#term.focus()
  }

  blur(): void {
    this.#term.blur()
  }

  setCopy(effect: 'allow' | 'record' | undefined): void {
    this.#copy = effect
    if (!effect) this.#term.clearSelection()
  }

  setInput(on: boolean): void {
    this.#input = on
    this.#term.options.disableStdin = !on
  }

  bracketed(): boolean {
    return this.#term.modes.bracketedPasteMode
  }

  setLook(look: Partial<Omit<TerminalLook, 'scrollback'>>): void {
    Object.assign(this.#look, look)
    const { scheme, screenReader } = this.#look
    const fontSize = clampFont(this.#look.fontSize)
    withNonce(this.#nonce, () => {
      const { options } = this.#term
      options.theme = this.#theme()
      options.minimumContrastRatio = leastContrast(scheme)
      if (options.screenReaderMode !== screenReader) options.screenReaderMode = screenReader
      if (options.fontSize !== fontSize) {
        options.fontSize = fontSize
        this.#fitBox()
      }
    })
    this.#paint()
  }

  links(): LinkTarget[] {
    return this.#copy ? linksInView(this.#term) : []
  }

  find(text: string, direction: 'next' | 'previous'): boolean {
    if (text === '') {
      this.#term.clearSelection()
      return true
    }
    return direction === 'next' ? this.#search.findNext(text) : this.#search.findPrevious(text)
  }

  cursor(): { x: number; y: number } {
    const { cursorX, cursorY } = this.#term.buffer.active
    return { x: cursorX / this.#term.cols, y: cursorY / this.#term.rows }
  }

  dispose(): void {
    this.#live.abort()
    clearTimeout(this.#resizing)
    this.#pump.stop()
    withNonce(this.#nonce, () => this.#term.dispose())
  }

  // What a hostile target could do with a terminal beyond drawing: fetch or set the clipboard, make links that lie, and
  // have text of its own typed as an answer to a report.
  #harden(): void {
    const { parser } = this.#term
    parser.registerOscHandler(52, () => true) // clipboard
    parser.registerOscHandler(8, (mark) => encoder.encode(mark).length > MAX_LINK || /\p{Cc}/u.test(mark)) // links: true is the end of it
    parser.registerDcsHandler({ intermediates: '$', final: 'q' }, () => true) // DECRQSS
    parser.registerDcsHandler({ intermediates: '+', final: 'q' }, () => true) // XTGETTCAP
    parser.registerCsiHandler({ final: 't' }, () => true) // window operations and title reports
    this.#term.onTitleChange((title) => {
      this.#events.titled(Array.from(title.replace(/\p{C}/gu, '')).slice(0, MAX_TITLE).join(''))
    })
  }

  #accelerate(): void {
    try {
      const webgl = new WebglAddon()
      webgl.onContextLoss(() => this.#decelerate())
      withNonce(this.#nonce, () => this.#term.loadAddon(webgl))
      this.#webgl = webgl
    } catch {
      this.#decelerate() // no WebGL here: elements
    }
  }

  #decelerate(): void {
    withNonce(this.#nonce, () => {
      this.#webgl?.dispose()
      this.#webgl = undefined
      styleByObject(this.#term)
    })
  }

  #theme() {
    return schemeColours(this.#look.scheme, matchMedia('(prefers-color-scheme: dark)').matches)
  }

  // The margin around the rows has their colour.
  #paint(): void {
    this.#parent.style.setProperty('--sp-screen-bg', this.#theme().background ?? '')
  }

  #listen(parent: HTMLElement): void {
    const { signal } = this.#live
    const term = this.#term
    term.onData((data) => this.#events.input(encoder.encode(data)))
    term.onBinary((data) => this.#events.input(Uint8Array.from(data, (c) => c.charCodeAt(0) & 0xff)))
    term.attachCustomKeyEventHandler((e) => this.#key(e))
    term.onBell(() => this.#events.rang())
    offerLinks(
      term,
      () => this.#copy !== undefined,
      (target, at) => this.#events.linked(target, at),
    )

    const observer = new ResizeObserver(() => this.#resize())
    observer.observe(parent)
    signal.addEventListener('abort', () => observer.disconnect())
    term.onResize(() => this.#events.resized(this.size()))
    matchMedia('(prefers-color-scheme: dark)').addEventListener(
      'change',
      () => {
        term.options.theme = this.#theme()
        this.#paint()
      },
      { signal },
    )

    // The terminal would take these for keyboard input; they are the clipboard's.
    const capture = { capture: true, signal }
    parent.addEventListener('paste', (e) => this.#pasted(e), capture)
    parent.addEventListener('copy', (e) => this.#copied(e), capture)
    parent.addEventListener('cut', (e) => this.#copied(e), capture)
    parent.addEventListener('dragover', (e) => this.#dragged(e), capture)
    parent.addEventListener('drop', (e) => this.#dropped(e), capture)
    parent.addEventListener('mousedown', (e) => this.#pressed(e), capture)
    parent.addEventListener('mouseup', () => this.#released(), { signal })
    this.#guardSelection(parent)
  }

  // On Linux the terminal selects its hidden field whenever text is selected by mouse, which copies it to the other
  // clipboard, unseen and unrecorded. That is for those who may copy freely; a context menu still finds the text.
  #guardSelection(parent: HTMLElement): void {
    const field = this.#term.textarea
    if (!field) return
    let menu = false
    parent.addEventListener(
      'contextmenu',
      () => {
        menu = true
        queueMicrotask(() => {
          menu = false
        })
      },
      { capture: true, signal: this.#live.signal },
    )
    const select = field.select.bind(field)
    field.select = () => {
      if (this.#copy === 'allow' || (menu && this.#copy)) select()
    }
  }

  hold(cols: number, rows: number): void {
    this.#held = { cols, rows }
    this.#fitBox()
  }

  #fitBox(): void {
    if (!this.#held) return this.#fit.fit()
    const { cols, rows } = this.#held
    withNonce(this.#nonce, () => {
      const { options } = this.#term
      for (let tries = 0; tries < 4; tries++) {
        const room = this.#fit.proposeDimensions()
        const size = options.fontSize ?? MAX_HELD
        if (!room) break
        const times = Math.min((room.cols + 0.5) / cols, (room.rows + 0.5) / rows)
        const next = Math.min(MAX_HELD, Math.max(MIN_HELD, Math.floor(size * times)))
        if (next === size || (next > size && tries > 1)) break
        options.fontSize = next
      }
      this.#term.resize(cols, rows)
    })
  }

  #resize(): void {
    clearTimeout(this.#resizing)
    this.#resizing = setTimeout(() => {
      if (!this.#live.signal.aborted && this.#term.element?.getClientRects().length) this.#fitBox()
    }, RESIZE_DELAY)
  }

  // Returns false for what is not the target's.
  #key(e: KeyboardEvent): boolean {
    const ctrl = e.ctrlKey && !e.altKey && !e.metaKey
    if (ctrl && e.shiftKey && e.code === 'KeyC') return this.#own(e, () => this.#copySelection())
    if (ctrl && !e.shiftKey && e.code === 'Insert') return this.#own(e, () => this.#copySelection())
    if (ctrl && e.shiftKey && e.code === 'KeyV') return false // the browser makes a paste event of it
    if (e.shiftKey && !e.ctrlKey && e.code === 'Insert') return false
    if (ctrl && e.shiftKey && e.code === 'KeyF') return this.#own(e, () => this.#events.wants('search'))
    if (ctrl && e.shiftKey && e.code === 'KeyL') return this.#own(e, () => this.#events.wants('links'))
    if (ctrl && (e.code === 'NumpadAdd' || e.key === '+' || (!e.shiftKey && e.code === 'Equal'))) {
      return this.#own(e, () => this.#zoom(1))
    }
    if (ctrl && !e.shiftKey && (e.code === 'Minus' || e.code === 'NumpadSubtract')) {
      return this.#own(e, () => this.#zoom(-1))
    }
    if (ctrl && !e.shiftKey && (e.code === 'Digit0' || e.code === 'Numpad0')) return this.#own(e, () => this.#zoom(0))
    return this.#input
  }

  #own(e: KeyboardEvent, act: () => void): false {
    e.preventDefault()
    if (e.type === 'keydown') act()
    return false
  }

  #zoom(by: number): void {
    this.setLook({ fontSize: clampFont(by === 0 ? this.#fontSize : this.#look.fontSize + by) })
    this.#events.zoomed(this.#look.fontSize)
  }

  #copySelection(): void {
    const text = this.#term.getSelection()
    if (text === '') return
    if (!this.#copy) return this.#events.wants('copy_denied')
    navigator.clipboard.writeText(text).then(
      () => this.#events.copied(text),
      () => document.execCommand('copy'), // ends in the copy event below
    )
  }

  #copied(e: ClipboardEvent): void {
    e.preventDefault()
    e.stopImmediatePropagation()
    const text = this.#term.getSelection()
    if (text === '') return
    if (!this.#copy) return this.#events.wants('copy_denied')
    e.clipboardData?.setData('text/plain', text)
    this.#events.copied(text)
  }

  #pasted(e: ClipboardEvent): void {
    e.preventDefault()
    e.stopImmediatePropagation()
    const text = e.clipboardData?.getData('text/plain') ?? ''
    if (text !== '') this.#events.paste(text, this.bracketed())
  }

  #dragged(e: DragEvent): void {
    e.preventDefault()
    e.stopImmediatePropagation()
    if (e.dataTransfer) e.dataTransfer.dropEffect = this.#dropText(e) ? 'copy' : 'none'
  }

  // Text that is dropped is pasted. Files are not the terminal's.
  #dropped(e: DragEvent): void {
    e.preventDefault()
    e.stopImmediatePropagation()
    if (!this.#dropText(e)) return
    const text = e.dataTransfer?.getData('text/plain') ?? ''
    this.#term.focus()
    if (text !== '') this.#events.paste(text, this.bracketed())
  }

  #dropText(e: DragEvent): boolean {
    const types = e.dataTransfer?.types ?? []
    return types.includes('text/plain') && !types.includes('Files')
  }

  #released(): void {
    if (this.#look.copyOnSelect && this.#copy && this.#term.hasSelection()) this.#copySelection()
  }

  // Who may not copy cannot select either, unless the target itself listens to the mouse.
  #pressed(e: MouseEvent): void {
    if (this.#copy || e.button !== 0) return
    if (this.#term.modes.mouseTrackingMode !== 'none' && !e.shiftKey && !e.altKey) return
    if (!(e.target instanceof Element) || !e.target.closest('.xterm-screen')) return
    e.preventDefault()
    e.stopImmediatePropagation()
    this.#term.focus()
  }
}

function clampFont(size: number): number {
  return Number.isFinite(size) ? Math.min(MAX_FONT, Math.max(MIN_FONT, Math.round(size))) : 14
}
