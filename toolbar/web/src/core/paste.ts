// What a paste would do to a shell (I6). A line break runs what stands before it, a control character may do anything,
// and a character that is not drawn makes the rest look like something else: each of them is a reason to ask first.
// Bracketed paste does not change that: what a program makes of it is its own affair.

/** What there is to know of a text before it is sent. */
export interface Pasting {
  /** Lines of text; a last line break does not begin one more. */
  lines: number
  /** Whether it ends with a line break, so that a shell would run the last line at once. */
  ends: boolean
  /** How many characters of it would not be seen. */
  hidden: number
}

const BREAK = /\r\n|\r|\n/g
const LAST_BREAKS = /[\r\n]+$/

// C0 but tab and line breaks, DEL, C1; soft hyphen; marks of direction; what has no width; line and paragraph
// separators; tags. Joiners are not among them: emoji and many scripts are written with them.
const HIDDEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu

const count = (text: string, pattern: RegExp): number => text.match(pattern)?.length ?? 0

/** Examines a text. */
export function examine(text: string): Pasting {
  return {
    lines: count(text.replace(LAST_BREAKS, ''), BREAK) + 1,
    ends: LAST_BREAKS.test(text),
    hidden: count(text, HIDDEN),
  }
}

/** Whether a text is sent only after a question. */
export function mustAsk(p: Pasting): boolean {
  return p.lines > 1 || p.ends || p.hidden > 0
}

/** A text without the line breaks at its end. */
export function withoutLastBreak(text: string): string {
  return text.replace(LAST_BREAKS, '')
}

/** A piece of a text as it is shown. mark: it stands for a character that would not be seen. */
export interface Piece {
  text: string
  mark: boolean
}

/** The most characters and lines that are shown of a text. */
const SHOWN = 20_000
const SHOWN_LINES = 200

/** A text with everything in it made visible. more: how many characters are not shown. */
export function reveal(text: string): { pieces: Piece[]; more: number } {
  let end = Math.min(text.length, SHOWN)
  let lines = 0
  for (const m of text.matchAll(BREAK)) {
    if (m.index >= end) break
    if (++lines === SHOWN_LINES) end = m.index + m[0].length
  }
  const whole = end === text.length
  const shown = whole ? withoutLastBreak(text) : text.slice(0, end)
  const pieces: Piece[] = []
  let at = 0
  const plain = (to: number): void => {
    if (to > at) pieces.push({ text: shown.slice(at, to).replace(/\r\n?/g, '\n'), mark: false })
  }
  for (const m of shown.matchAll(HIDDEN)) {
    plain(m.index)
    pieces.push({ text: nameOf(m[0].codePointAt(0) ?? 0), mark: true })
    at = m.index + m[0].length
  }
  plain(shown.length)
  if (whole && LAST_BREAKS.test(text)) pieces.push({ text: '\u23ce', mark: true })
  return { pieces, more: text.length - end }
}

/** Control characters have pictures of their own; the others are named by their number. */
function nameOf(code: number): string {
  if (code < 0x20) return String.fromCodePoint(0x2400 + code)
  if (code === 0x7f) return '\u2421'
  return `U+${code.toString(16).toUpperCase().padStart(4, '0')}`
}
