import type { ServerFrame, Size } from './frame.js'

/** What draws a session, whatever it shows. Chosen by the protocol of the asset. */
export interface Screen {
  /** Takes a frame; resolved when it has been parsed or decoded, never tied to animation frames. */
  write(frame: ServerFrame): Promise<void>
  size(): Size
  focus(): void
  blur(): void
  /** Whether input is taken. */
  setInput(on: boolean): void
  dispose(): void
}
