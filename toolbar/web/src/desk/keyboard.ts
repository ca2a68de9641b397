import { keyEvent, type Locks, locksEvent, releaseEvent, textEvents } from './events.js'
import { scancode } from './scancodes.js'

/** What of a KeyboardEvent counts. */
export interface Stroke {
  code: string
  key: string
  isComposing: boolean
  timeStamp: number
  getModifierState(name: string): boolean
}

/** What a stroke is for. */
export type Taken =
  /** The session has it: the browser must not do anything with it. */
  | 'sent'
  /** The browser or an input method makes text of it, which comes by itself. */
  | 'left'
  /** The browser is to paste; what of the stroke belongs to the session is sent when it has. */
  | 'pastes'

/** Windows sends AltGr as a left Ctrl and a right Alt with the same time, in milliseconds apart at most. */
const ALTGR = 5

const CONTROL_LEFT = 'ControlLeft'
const LOCK_KEYS: ReadonlySet<string> = new Set(['CapsLock', 'NumLock', 'ScrollLock'])

/**
 * Keyboard turns strokes into events of a desktop's keyboard. Keys go by their place; text that has no key, by itself. It remembers what is down,
 * so that all of it can be lifted.
 */
export class Keyboard {
  /** Whether a paste is to be waited for: the user may paste into the session. */
  pastes = false
  readonly #send: (events: Uint8Array) => void
  readonly #later: (f: () => void) => void
  readonly #down = new Map<string, number>()
  #locks = ''
  #control: Stroke | undefined // a left Ctrl that may be the first half of AltGr
  #paste: string | undefined // the code of the key that pastes, held back until the browser has

  /** later: runs f a few milliseconds from now. */
  constructor(send: (events: Uint8Array) => void, later: (f: () => void) => void) {
    this.#send = send
    this.#later = later
  }

  down(stroke: Stroke): Taken {
    const control = this.#control
    this.#control = undefined
    if (control) {
      const altGr = stroke.code === 'AltRight' && stroke.timeStamp - control.timeStamp <= ALTGR
      if (!altGr) this.#press(CONTROL_LEFT)
    }
    if (stroke.isComposing || stroke.key === 'Process') return 'left'
    if (scancode(stroke.code) === undefined) return 'left'
    this.#sync(stroke)
    if (stroke.code === CONTROL_LEFT && !this.#down.has(CONTROL_LEFT)) {
      this.#control = stroke
      this.#later(() => {
        if (this.#control !== stroke) return
        this.#control = undefined
        this.#press(CONTROL_LEFT)
      })
      return 'sent'
    }
    if (this.pastes && this.#isPaste(stroke)) {
      this.#paste = stroke.code
      return 'pastes'
    }
    this.#press(stroke.code)
    return 'sent'
  }

  up(stroke: Stroke): Taken {
    if (this.#control && stroke.code === CONTROL_LEFT) {
      this.#control = undefined
      this.#press(CONTROL_LEFT)
    }
    if (this.#paste === stroke.code) this.pasted()
    if (!this.#down.has(stroke.code)) return scancode(stroke.code) === undefined ? 'left' : 'sent'
    // macOS tells of no other key that goes up while Command is down.
    if (stroke.code.startsWith('Meta')) {
      for (const code of [...this.#down.keys()]) if (!isModifier(code)) this.#lift(code)
    }
    this.#lift(stroke.code)
    if (LOCK_KEYS.has(stroke.code)) this.#locks = ''
    return 'sent'
  }

  /** The browser has pasted, or has nothing to: the key that did it goes to the session. */
  pasted(): void {
    const code = this.#paste
    this.#paste = undefined
    if (code !== undefined) this.#press(code)
  }

  /** Text that an input method, or a keyboard on the screen, has made. */
  text(text: string): void {
    if (text !== '') this.#send(textEvents(text.replace(/\r\n?|\n/g, '\r')))
  }

  /** Types a text key by key (I6): line breaks and tabs as the keys that make them, all else as characters, whatever keyboard the target has. */
  type(text: string): void {
    this.release()
    for (const part of text.split(/(\r\n?|\n|\t)/)) {
      if (/^[\r\n\t]/.test(part)) this.together([part === '\t' ? 'Tab' : 'Enter'])
      else this.text(part)
    }
  }

  /** Presses keys in order and lifts them in the reverse order: a combination. */
  together(codes: readonly string[]): void {
    this.release()
    for (const code of codes) this.#press(code)
    for (const code of [...codes].reverse()) this.#lift(code)
  }

  /** Lifts all that is down: the keyboard belongs to something else from now on. */
  release(): void {
    this.#control = undefined
    this.#paste = undefined
    if (this.#down.size > 0) this.#send(releaseEvent())
    this.#down.clear()
    this.#locks = ''
  }

  #press(code: string): void {
    const key = scancode(code)
    if (key === undefined) return
    this.#down.set(code, key)
    this.#send(keyEvent(key, true))
  }

  #lift(code: string): void {
    const key = this.#down.get(code)
    if (key === undefined) return
    this.#down.delete(code)
    this.#send(keyEvent(key, false))
  }

  #isPaste(stroke: Stroke): boolean {
    if (stroke.getModifierState('Alt') || stroke.getModifierState('AltGraph')) return false
    const control = stroke.getModifierState('Control') || stroke.getModifierState('Meta')
    return (
      (control && stroke.key.toLowerCase() === 'v') || (stroke.code === 'Insert' && stroke.getModifierState('Shift'))
    )
  }

  /** Tells the state of the lock keys when it is not what the target was told. That lifts all keys there: not while one is down. */
  #sync(stroke: Stroke): void {
    if (this.#down.size > 0 || LOCK_KEYS.has(stroke.code)) return
    const locks: Locks = {
      scroll: stroke.getModifierState('ScrollLock'),
      num: stroke.getModifierState('NumLock'),
      caps: stroke.getModifierState('CapsLock'),
    }
    const now = `${locks.scroll} ${locks.num} ${locks.caps}`
    if (now === this.#locks) return
    this.#locks = now
    this.#send(locksEvent(locks))
  }
}

function isModifier(code: string): boolean {
  return /^(Control|Shift|Alt|Meta)/.test(code)
}
