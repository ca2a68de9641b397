import type { Size } from '../core/frame.js'
import type { Screen } from '../core/screen.js'
import type { LinkTarget } from './link.js'
import type { SchemeName } from './schemes.js'

/** What a screen reports. */
export interface ScreenEvents {
  /** Keyboard input for the target. */
  input(bytes: Uint8Array): void
  /** The user pastes. bracketed: the terminal has bracketed paste on. */
  paste(text: string, bracketed: boolean): void
  /** The user has copied. */
  copied(text: string): void
  /** The user has clicked a link of the target; at: where, in pixels of the window. */
  linked(target: LinkTarget, at: { x: number; y: number }): void
  /** The target rings the bell. */
  rang(): void
  /** The user has changed the size of the text. */
  zoomed(fontSize: number): void
  resized(size: Size): void
  /** The target names its window: plain text, short. */
  titled(title: string): void
  /** The user asked for something of the page around the screen. */
  wants(what: 'search' | 'links' | 'copy_denied'): void
}

/** How the user wants a terminal, from the launch parameters and the browser's preferences. */
export interface TerminalLook {
  fontSize: number
  scrollback: number
  scheme: SchemeName
  copyOnSelect: boolean
  screenReader: boolean
}

/** A screen that shows text: what a terminal adds. */
export interface TextScreen extends Screen {
  /** Whether the user may copy out of it. */
  setCopy(effect: 'allow' | 'record' | undefined): void
  /** Whether bracketed paste is on. */
  bracketed(): boolean
  /** Changes how it looks. */
  setLook(look: Partial<Omit<TerminalLook, 'scrollback'>>): void
  /** The links that can be seen, if the user may take text out of the session. */
  links(): LinkTarget[]
  /** Looks for text; false if there is none. An empty text ends the search. */
  find(text: string, direction: 'next' | 'previous'): boolean
  /** Where the cursor is, as shares of width and height. */
  cursor(): { x: number; y: number }
  /** Keeps it at a size of its own, with letters as large as its box allows. */
  hold(cols: number, rows: number): void
}
