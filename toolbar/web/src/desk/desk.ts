import type { ServerFrame, Size } from '../core/frame.js'
import type { Screen } from '../core/screen.js'
import { utf8, windowClock } from '../net/window.js'
import { ScreenView, type Snapshot, type Stats } from '../screen/index.js'
import { type Cursor, cursorStyle, parseCursor } from './cursor.js'
import { DrawnPointer } from './drawn-pointer.js'
import type { Place } from './events.js'
import { Keyboard, type Taken } from './keyboard.js'
import { push, type View } from './pan.js'
import { Pointer } from './pointer.js'
import { type Finger, Touch } from './touch.js'
import { type Box, crisp, locate, place, type Shown, wanted, ZOOMS, type Zoom } from './viewport.js'
import { Wheel } from './wheel.js'

/** What a desktop reports. */
export interface DeskEvents {
  /** Events of the keyboard, and of the mouse, for the target. */
  key(events: Uint8Array): void
  pointer(events: Uint8Array): void
  /** The user pastes; resolved when the text is on its way. */
  paste(text: string): Promise<void>
  /** The session's clipboard has a text for the user. */
  copied(text: string): void
  resized(size: Size): void
  /** It is shown larger or smaller than before. */
  scaled?(): void
  /** What came cannot be shown. */
  failed(why: string): void
}

/** How a desktop is launched, as far as its page needs to know. */
export interface DeskLook {
  /** The desktop follows the size of its box. */
  fits: boolean
  /** Percent by which the session draws things larger. */
  scale: number
  label: string
}

/** How long the size of the box must stand before the target hears of it, in milliseconds. */
const SETTLE = 300
const LATER = 8

/** Opens a desktop in an element, which it fills. */
export function openDesk(parent: HTMLElement, look: DeskLook, events: DeskEvents): Desk {
  return new Desk(parent, look, events)
}

/** Desk is a screen that shows a desktop, and takes keyboard, mouse and fingers to it. */
export class Desk implements Screen {
  readonly #parent: HTMLElement
  readonly #look: DeskLook
  readonly #events: DeskEvents
  readonly #stop = new AbortController()
  readonly #box = document.createElement('div')
  readonly #canvas = document.createElement('canvas')
  readonly #input = document.createElement('textarea')
  readonly #view: ScreenView
  readonly #keyboard: Keyboard
  readonly #pointer: Pointer
  readonly #wheel = new Wheel()
  readonly #touch: Touch
  readonly #observer: ResizeObserver
  #desktop = { width: 0, height: 0 }
  #shown: Shown = { left: 0, top: 0, width: 0, height: 0 }
  #zoom: Zoom = 'fit'
  #over: { x: number; y: number } | undefined // where the mouse is, in the box
  #panning = false
  #cursor: Cursor = { kind: 'system' }
  #drawn: DrawnPointer | undefined
  #on = false // input is taken
  #settling: ReturnType<typeof setTimeout> | undefined
  #last: Size
  #waiting: { bytes: number; done: () => void }[] = []
  #stats: Stats | undefined

  constructor(parent: HTMLElement, look: DeskLook, events: DeskEvents) {
    this.#parent = parent
    this.#look = look
    this.#events = events
    this.#box.className = 'desk'
    this.#canvas.setAttribute('aria-hidden', 'true')
    this.#input.setAttribute('aria-label', look.label)
    for (const [name, value] of Object.entries({
      autocapitalize: 'off',
      autocomplete: 'off',
      autocorrect: 'off',
      spellcheck: 'false',
    })) {
      this.#input.setAttribute(name, value)
    }
    this.#box.append(this.#canvas, this.#input)
    parent.replaceChildren(this.#box)
    this.#view = new ScreenView(this.#canvas, {
      onDesktop: (width, height) => {
        this.#desktop = { width, height }
        this.#arrange()
      },
      onConsumed: (bytes) => this.#consumed(bytes),
      onFault: (why) => events.failed(why),
      onStats: (stats) => {
        this.#stats = stats
      },
    })
    const key = (bytes: Uint8Array): void => {
      if (this.#on) events.key(bytes)
    }
    const point = (bytes: Uint8Array): void => {
      if (this.#on) events.pointer(bytes)
    }
    this.#keyboard = new Keyboard(key, (f) => setTimeout(f, LATER))
    this.#pointer = new Pointer(point)
    this.#touch = new Touch(
      {
        click: (button, at) => this.#pointer.click(button, this.#at(at)),
        press: (at) => this.#pointer.button(0, true, this.#at(at)),
        drag: (at) => this.#moved(this.#at(at)),
        lift: (at) => this.#pointer.button(0, false, this.#at(at)),
        turn: (turn, at) => this.#turn(this.#wheel.turn(turn, this.#at(at))),
        pinch: (times, at, by) => this.#pinched(times, at, by),
      },
      windowClock,
    )
    this.#last = this.size()
    this.#observer = new ResizeObserver(() => this.#boxed())
    this.#observer.observe(parent)
    this.#listen()
  }

  write(frame: ServerFrame): Promise<void> {
    switch (frame.kind) {
      case 'screen':
        this.#view.push(frame.payload)
        return new Promise((done) => this.#waiting.push({ bytes: frame.payload.length, done }))
      case 'cursor':
        this.#shape(parseCursor(frame.payload) ?? { kind: 'system' })
        break
      case 'clipboard':
        this.#events.copied(utf8.decode(frame.payload))
        break
    }
    return Promise.resolve()
  }

  // The target may move the pointer too: the user's own stays where it is.
  #shape(cursor: Cursor): void {
    if (cursor.kind === 'moved') return this.#drawn?.place(cursor)
    this.#cursor = cursor
    this.#drawn?.shape(cursor)
    this.#point()
  }

  /** Draws the pointer at a place, as somebody else has moved it, and from then on wherever the target moves it; nowhere without one. */
  point(at: Place | undefined): void {
    if (!this.#drawn) {
      this.#drawn = new DrawnPointer(this.#box)
      this.#drawn.shape(this.#cursor)
      this.#drawn.on(this.#desktop, this.#shown)
    }
    this.#drawn.place(at)
  }

  // Bytes are consumed in the order in which they were pushed.
  #consumed(bytes: number): void {
    let left = bytes
    while (left > 0) {
      const first = this.#waiting[0]
      if (!first) return
      const part = Math.min(left, first.bytes)
      first.bytes -= part
      left -= part
      if (first.bytes > 0) return
      this.#waiting.shift()
      first.done()
    }
  }

  size(): Size {
    const { width, height } = wanted(this.#room(), this.#look.scale)
    return { cols: 80, rows: 24, width, height }
  }

  focus(): void {
    this.#input.focus({ preventScroll: true })
  }

  blur(): void {
    this.#input.blur()
  }

  setInput(on: boolean): void {
    if (this.#on && !on) this.#release()
    this.#on = on
    this.#input.readOnly = !on
  }

  /** Whether the user may paste into the session. */
  setPaste(on: boolean): void {
    this.#keyboard.pastes = on
  }

  /** Shows it larger or smaller; what is at a place of the box, without one in its middle, stays there. */
  setZoom(zoom: Zoom, at?: { x: number; y: number }): void {
    if (zoom === this.#zoom) return
    const box = this.#box
    const before = this.#shown
    const still = at ?? { x: box.clientWidth / 2, y: box.clientHeight / 2 }
    const share = (place: number, from: number, size: number): number =>
      size > 0 ? Math.max(0, Math.min(1, (place - from) / size)) : 0.5
    const x = share(box.scrollLeft + still.x, before.left, before.width)
    const y = share(box.scrollTop + still.y, before.top, before.height)
    this.#zoom = zoom
    this.#arrange()
    const { left, top, width, height } = this.#shown
    box.scrollTo({ left: left + x * width - still.x, top: top + y * height - still.y })
  }

  // Fingers make it as large as they like up to the largest zoom, and as small as the window at most. That is for the moment, and not kept.
  #pinched(times: number, at: { x: number; y: number }, by: { x: number; y: number }): void {
    const percent = this.picture().percent * times
    const room = this.#room()
    const { width } = place(this.#desktop, room, this.#look.scale, 'fit')
    const fit = (width / this.#desktop.width) * room.ratio * 100
    this.setZoom(percent <= fit ? 'fit' : Math.min(percent, Math.max(fit, ZOOMS[ZOOMS.length - 1] ?? fit)), at)
    this.#box.scrollBy(-by.x, -by.y)
  }

  /** The size of the desktop, and percent of the screen's pixels in which it is shown. */
  picture(): { width: number; height: number; percent: number } {
    const { width, height } = this.#desktop
    const percent = width > 0 ? (this.#shown.width / width) * window.devicePixelRatio * 100 : 100
    return { width, height, percent }
  }

  /** Presses keys together, by their codes. */
  press(codes: readonly string[]): void {
    this.#keyboard.together(codes)
  }

  /** Types a text key by key, for what takes no clipboard. */
  type(text: string): void {
    this.#keyboard.type(text)
  }

  /** What the canvas shows; for tests. */
  snapshot(): Promise<Snapshot> {
    return this.#view.snapshot()
  }

  /** What has been decoded when all that came so far is. */
  measure(): Promise<Stats> {
    return this.#view.stats()
  }

  /** What has been decoded, as was told last. */
  stats(): Stats | undefined {
    return this.#stats
  }

  dispose(): void {
    this.#stop.abort()
    this.#observer.disconnect()
    clearTimeout(this.#settling)
    this.#view.close()
    for (const w of this.#waiting) w.done()
    this.#box.remove()
  }

  #room(): Box {
    const { width, height } = this.#parent.getBoundingClientRect()
    return { width, height, ratio: window.devicePixelRatio }
  }

  // The box has another size: what is shown follows at once, the desktop when it stands.
  #boxed(): void {
    this.#arrange()
    clearTimeout(this.#settling)
    if (!this.#look.fits) return
    this.#settling = setTimeout(() => {
      const size = this.size()
      if (size.width === this.#last.width && size.height === this.#last.height) return
      this.#last = size
      this.#events.resized(size)
    }, SETTLE)
  }

  #arrange(): void {
    if (this.#desktop.width === 0) return
    const room = this.#room()
    const before = this.#shown.width
    this.#shown = place(this.#desktop, room, this.#look.scale, this.#zoom)
    const { left, top, width, height } = this.#shown
    Object.assign(this.#canvas.style, {
      left: `${left}px`,
      top: `${top}px`,
      width: `${width}px`,
      height: `${height}px`,
      imageRendering: crisp(this.#desktop, this.#shown, room.ratio) ? 'pixelated' : 'auto',
    })
    this.#point()
    this.#drawn?.on(this.#desktop, this.#shown)
    if (this.#shown.width !== before) this.#events.scaled?.()
  }

  #point(): void {
    const times = this.#desktop.width > 0 ? this.#shown.width / this.#desktop.width : 1
    const style = cursorStyle(this.#cursor, times, drawn)
    if (style !== undefined) this.#box.style.cursor = style
  }

  #at(f: { x: number; y: number }): Place {
    return locate({ x: f.x + this.#box.scrollLeft, y: f.y + this.#box.scrollTop }, this.#shown, this.#desktop)
  }

  #finger(e: PointerEvent | WheelEvent): Finger {
    const box = this.#box.getBoundingClientRect()
    return {
      id: e instanceof PointerEvent ? e.pointerId : 0,
      x: e.clientX - box.left,
      y: e.clientY - box.top,
    }
  }

  #moved(at: Place): void {
    if (this.#pointer.move(at)) requestAnimationFrame(() => this.#pointer.flush())
  }

  // The scroll bars of the box are the page's; while a button is down they are not reached.
  #onBar(e: PointerEvent): boolean {
    if (this.#box.hasPointerCapture(e.pointerId)) return false
    const { left, top } = this.#box.getBoundingClientRect()
    return e.clientX - left >= this.#box.clientWidth || e.clientY - top >= this.#box.clientHeight
  }

  #sees(): View {
    const b = this.#box
    return {
      width: b.clientWidth,
      height: b.clientHeight,
      left: b.scrollLeft,
      top: b.scrollTop,
      mostLeft: b.scrollWidth - b.clientWidth,
      mostTop: b.scrollHeight - b.clientHeight,
    }
  }

  // A pointer near the edge goes on pushing while it stays there, and what is below it changes.
  #push(at: { x: number; y: number } | undefined): void {
    this.#over = at
    if (this.#panning || !at) return
    this.#panning = true
    const step = (): void => {
      this.#panning = false
      if (!this.#over || this.#stop.signal.aborted) return
      const by = push(this.#over, this.#sees())
      if (by.x === 0 && by.y === 0) return
      this.#box.scrollBy(by.x, by.y)
      this.#moved(this.#at(this.#over))
      this.#panning = true
      requestAnimationFrame(step)
    }
    requestAnimationFrame(step)
  }

  #turn(events: Uint8Array[]): void {
    this.#pointer.flush()
    for (const e of events) if (this.#on) this.#events.pointer(e)
  }

  #release(): void {
    this.#keyboard.release()
    this.#pointer.release({ x: 0, y: 0 })
  }

  #listen(): void {
    const on = { signal: this.#stop.signal }
    const act = { ...on, passive: false }
    const box = this.#box
    box.addEventListener('pointerdown', (e) => this.#pressed(e), act)
    box.addEventListener('pointermove', (e) => this.#hovered(e), act)
    box.addEventListener('pointerup', (e) => this.#lifted(e), act)
    box.addEventListener('pointercancel', (e) => this.#touch.cancel(this.#finger(e)), on)
    box.addEventListener('pointerleave', () => this.#push(undefined), on)
    box.addEventListener('contextmenu', (e) => e.preventDefault(), on)
    box.addEventListener(
      'wheel',
      (e) => {
        if (e.ctrlKey) return // the browser's zoom
        e.preventDefault()
        this.#turn(this.#wheel.turn(e, this.#at(this.#finger(e))))
      },
      act,
    )
    const input = this.#input
    input.addEventListener('keydown', (e) => took(e, this.#keyboard.down(e)), on)
    input.addEventListener('keyup', (e) => took(e, this.#keyboard.up(e)), on)
    input.addEventListener('input', (e) => this.#typed(e as InputEvent), on)
    input.addEventListener('compositionend', (e) => this.#composed(e), on)
    input.addEventListener('paste', (e) => this.#pasted(e), on)
    input.addEventListener('blur', () => this.#release(), on)
    document.addEventListener('visibilitychange', () => document.hidden && this.#release(), on)
  }

  #pressed(e: PointerEvent): void {
    if (this.#onBar(e)) return
    e.preventDefault()
    this.focus()
    this.#box.setPointerCapture(e.pointerId)
    if (e.pointerType === 'touch') return this.#touch.down(this.#finger(e))
    this.#pointer.button(e.button, true, this.#at(this.#finger(e)))
  }

  // A further button of a mouse is a move to the browser.
  #hovered(e: PointerEvent): void {
    const at = this.#finger(e)
    if (e.pointerType === 'touch') return this.#touch.move(at)
    this.#push(this.#onBar(e) ? undefined : at)
    if (this.#onBar(e)) return
    if (e.button >= 0) this.#pointer.button(e.button, (e.buttons & (BITS[e.button] ?? 0)) !== 0, this.#at(at))
    else this.#moved(this.#at(at))
  }

  #lifted(e: PointerEvent): void {
    if (e.pointerType === 'touch') return this.#touch.up(this.#finger(e))
    this.#pointer.button(e.button, false, this.#at(this.#finger(e)))
  }

  #typed(e: InputEvent): void {
    if (e.isComposing) return
    const text = e.inputType === 'insertLineBreak' ? '\n' : this.#input.value
    this.#input.value = ''
    if (e.inputType !== 'insertFromPaste') this.#keyboard.text(text)
  }

  #composed(e: CompositionEvent): void {
    this.#input.value = ''
    this.#keyboard.text(e.data)
  }

  async #pasted(e: ClipboardEvent): Promise<void> {
    e.preventDefault()
    const text = e.clipboardData?.getData('text/plain') ?? ''
    try {
      if (text !== '') await this.#events.paste(text)
    } finally {
      this.#keyboard.pasted()
    }
  }
}

/** The bit in PointerEvent.buttons of each PointerEvent.button. */
const BITS: Readonly<Record<number, number>> = { 0: 1, 1: 4, 2: 2, 3: 8, 4: 16 }

function took(e: KeyboardEvent, taken: Taken): void {
  if (taken === 'sent') e.preventDefault()
}

/** Draws a pointer as an address of a picture. */
function drawn(pixels: Uint8Array, width: number, height: number, to: { width: number; height: number }): string {
  const from = new OffscreenCanvas(width, height)
  from.getContext('2d')?.putImageData(new ImageData(new Uint8ClampedArray(pixels), width, height), 0, 0)
  const canvas = document.createElement('canvas')
  Object.assign(canvas, to)
  canvas.getContext('2d')?.drawImage(from, 0, 0, to.width, to.height)
  return canvas.toDataURL()
}
