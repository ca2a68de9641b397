import type { SoundStats } from './core/mixer.js'

/** The name by which the processor is registered. */
export const PROCESSOR = 'sallyport-sound'

/** What the page tells the worklet. */
export type ToWorklet = { type: 'payload'; payload: Uint8Array } | { type: 'clear' }

/** What the worklet tells: what it has done, about once a second. */
export type FromWorklet = SoundStats
