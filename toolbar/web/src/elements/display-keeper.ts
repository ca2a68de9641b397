import { type Zoom, zoomOf } from '../desk/viewport.js'
import { keepPrefs, type Prefs, readPrefs } from '../net/prefs.js'
import { schemeName } from '../term/schemes.js'
import type { TerminalLook } from '../term/screen.js'
import type { DisplayChange, Look } from './sp-display-panel.js'

/** How long a choice must stand before it is kept, in milliseconds: who tries all colours wants one of them. */
const SETTLE = 800

/** Number of a launch parameter, within bounds; fallback if it is none. */
function whole(value: string | undefined, fallback: number, most: number): number {
  const n = Number.parseInt(value ?? '', 10)
  return Number.isFinite(n) ? Math.min(most, Math.max(0, n)) : fallback
}

/**
 * DisplayKeeper knows how a terminal or a desktop is to look: at first as the launch parameters say, then as the user chooses. The
 * gateway keeps colours, size and zoom with the session and for the next launch (L8), the browser keeps the rest.
 */
export class DisplayKeeper {
  look: Look = { scheme: 'auto', fontSize: 14 }
  zoom: Zoom = 'fit'
  prefs: Prefs = readPrefs()
  #unsent: Record<string, string> = {}
  #timer: ReturnType<typeof setTimeout> | undefined
  readonly #keep: (params: Record<string, string>) => void

  constructor(keep: (params: Record<string, string>) => void) {
    this.#keep = keep
  }

  /** Begins with a session's launch parameters. */
  begin(params: Readonly<Record<string, string>>): TerminalLook {
    this.look = { scheme: schemeName(params.color_scheme), fontSize: whole(params.font_size, 14, 100) }
    this.prefs = readPrefs()
    const { copyOnSelect, screenReader } = this.prefs
    return { ...this.look, scrollback: whole(params.scrollback, 5000, 50_000), copyOnSelect, screenReader }
  }

  /** Begins with the launch parameters of a session that shows a desktop. */
  beginDesk(params: Readonly<Record<string, string>>): Zoom {
    this.zoom = zoomOf(params.zoom)
    this.prefs = readPrefs()
    return this.zoom
  }

  /** The user has chosen. */
  change({ scheme, fontSize, zoom, ...prefs }: DisplayChange): void {
    if (Object.keys(prefs).length > 0) {
      this.prefs = { ...this.prefs, ...prefs }
      keepPrefs(this.prefs)
    }
    if (scheme !== undefined) {
      this.look = { ...this.look, scheme }
      this.#unsent.color_scheme = scheme
    }
    if (fontSize !== undefined) {
      this.look = { ...this.look, fontSize }
      this.#unsent.font_size = String(fontSize)
    }
    if (zoom !== undefined) {
      this.zoom = zoom
      this.#unsent.zoom = String(zoom)
    }
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.flush(), SETTLE)
  }

  /** Has kept what was chosen so far; nothing comes later. */
  flush(): void {
    clearTimeout(this.#timer)
    if (Object.keys(this.#unsent).length === 0) return
    const params = this.#unsent
    this.#unsent = {}
    this.#keep(params)
  }
}
