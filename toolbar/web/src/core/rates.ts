/** What has been counted since a session's page was opened. */
export interface Totals {
  /** When, in ticks of a Clock. */
  at: number
  /** Bytes that the gateway has sent. */
  received: number
  /** Of a desktop alone. */
  picture?: {
    frames: number
    dropped: number
    decodeMs: number
    /** Milliseconds by codec. */
    codecs: Readonly<Record<string, number>>
  }
}

/** What a session does at present. */
export interface Rates {
  /** Bytes in a second. */
  received: number
  picture?: {
    /** Frames in a second. */
    frames: number
    /** Frames of which nothing was shown, in all. */
    dropped: number
    /** Milliseconds of decoding that a frame took; undefined: there was none. */
    decodeMs: number | undefined
    /** The codecs that were used, the one that took most first. */
    codecs: string[]
  }
}

/** What has happened between two counts. */
export function rates(before: Totals, now: Totals): Rates {
  const seconds = Math.max(1, now.at - before.at) / 1000
  const received = (now.received - before.received) / seconds
  if (!now.picture) return { received }
  const was = before.picture ?? { frames: 0, dropped: 0, decodeMs: 0, codecs: {} }
  const is = now.picture
  const drawn = is.frames + is.dropped - was.frames - was.dropped // what was not shown had to be decoded as well
  const spent = (name: string): number => (is.codecs[name] ?? 0) - (was.codecs[name] ?? 0)
  return {
    received,
    picture: {
      frames: (is.frames - was.frames) / seconds,
      dropped: is.dropped,
      decodeMs: drawn > 0 ? (is.decodeMs - was.decodeMs) / drawn : undefined,
      codecs: Object.keys(is.codecs)
        .filter((name) => spent(name) > 0)
        .sort((a, b) => spent(b) - spent(a)),
    },
  }
}
