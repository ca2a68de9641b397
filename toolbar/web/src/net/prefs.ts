// How this browser is to treat sessions, whatever the session. Nothing of a session is in it, and nothing depends on it.

/** Preferences of a browser; all off unless chosen. */
export interface Prefs {
  /** Whether the bell is heard. */
  bellSound: boolean
  /** Whether what is selected is copied at once. */
  copyOnSelect: boolean
  /** Whether a terminal's text is kept in a form that screen readers follow. */
  screenReader: boolean
  /** Whether statistics are shown. */
  statistics: boolean
}

const KEY = 'sallyport.terminal'

/** The preferences that were kept; anything unreadable is off. */
export function readPrefs(): Prefs {
  let kept: Record<string, unknown> = {}
  try {
    const v: unknown = JSON.parse(localStorage.getItem(KEY) ?? '{}')
    if (typeof v === 'object' && v !== null) kept = v as Record<string, unknown>
  } catch {
    // Storage may be closed to this page, or hold something else.
  }
  return {
    bellSound: kept.bellSound === true,
    copyOnSelect: kept.copyOnSelect === true,
    screenReader: kept.screenReader === true,
    statistics: kept.statistics === true,
  }
}

/** Keeps preferences for the next session. */
export function keepPrefs(prefs: Prefs): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(prefs))
  } catch {
    // They hold until the page goes.
  }
}
