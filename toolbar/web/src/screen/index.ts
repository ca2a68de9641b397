// The screen of a desktop by itself.
export type { DecoderName } from './core/decoder.js'
export type { Snapshot, Stats } from './core/stats.js'
export { type ScreenEvents, type ScreenOptions, ScreenView } from './view.js'
