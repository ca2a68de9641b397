import type { DecoderName } from './core/decoder.js'
import type { Snapshot, Stats } from './core/stats.js'

// What the page and the Worker of a screen say to each other. Both are of one build.

/** What the page says. */
export type ToWorker =
  | { type: 'canvas'; canvas: OffscreenCanvas }
  /** The decoder's module, or null where there is none. */
  | { type: 'module'; module: WebAssembly.Module | null }
  | { type: 'payload'; payload: Uint8Array }
  | { type: 'stats'; id: number }
  | { type: 'snapshot'; id: number }

/** What the Worker says. */
export type FromWorker =
  /** It runs, and waits for its canvas. */
  | { type: 'hello' }
  | { type: 'ready'; decoder: DecoderName }
  | { type: 'desktop'; width: number; height: number }
  | { type: 'consumed'; bytes: number }
  | { type: 'fault'; text: string }
  | { type: 'stats'; id?: number; stats: Stats }
  | { type: 'snapshot'; id: number; snapshot: Snapshot }
