import type { Loudness } from '../sound/player.js'

// How loud sessions are in this browser. Nothing of a session is in it, and nothing depends on it.

const KEY = 'sallyport.sound'

/** What was kept; anything unreadable is loud enough, and heard. */
export function readLoudness(): Loudness {
  let kept: Partial<Record<keyof Loudness, unknown>> = {}
  try {
    const v: unknown = JSON.parse(localStorage.getItem(KEY) ?? '{}')
    if (typeof v === 'object' && v !== null) kept = v
  } catch {
    // Storage may be closed to this page, or hold something else.
  }
  const volume = typeof kept.volume === 'number' && kept.volume >= 0 && kept.volume <= 1 ? kept.volume : 0.8
  return { volume, muted: kept.muted === true }
}

/** Keeps it for the next session. */
export function keepLoudness(loudness: Loudness): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(loudness))
  } catch {
    // It holds until the page goes.
  }
}
