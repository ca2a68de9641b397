import type { ServerFrame, Size } from '../core/frame.js'

/** What a screen reports. */
export interface ScreenEvents {
  /** Keyboard input for the target. */
  input(bytes: Uint8Array): void
  /** The user pastes. bracketed: the terminal has bracketed paste on. */
  paste(text: string, bracketed: boolean): void
  /** The user has copied. */
  copied(text: string): void
  resized(size: Size): void
  /** The target names its window: plain text, short. */
  titled(title: string): void
  /** The user asked for something of the page around the screen. */
  wants(what: 'search' | 'copy_denied'): void
}

/** How the user wants a terminal, from the launch parameters. */
export interface TerminalLook {
  fontSize: number
  scrollback: number
  scheme: 'auto' | 'dark' | 'light'
}

/** What draws a session. Chosen by the protocol of the asset; the session element knows no more of it. */
export interface Screen {
  /** Takes a frame; resolved when it has been parsed or decoded, never tied to animation frames. */
  write(frame: ServerFrame): Promise<void>
  size(): Size
  focus(): void
  blur(): void
  /** Whether the user may copy out of it. */
  setCopy(effect: 'allow' | 'record' | undefined): void
  /** Whether input is taken. */
  setInput(on: boolean): void
  /** Whether bracketed paste is on. */
  bracketed(): boolean
  selection(): string
  /** Looks for text; false if there is none. An empty text ends the search. */
  find(text: string, direction: 'next' | 'previous'): boolean
  /** Where the cursor is, as shares of width and height. */
  cursor(): { x: number; y: number }
  dispose(): void
}
