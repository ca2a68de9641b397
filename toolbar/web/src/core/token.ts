// One-time codes as people type and paste them.

/** The number of digits of a token. */
export const TOKEN_DIGITS = 6

/**
 * The token in what was typed or pasted: the first group of six digits that stands alone, with or without a gap in its
 * middle, else all digits there are, at most six. Digits of other scripts' width count.
 */
export function tokenOf(text: string): string {
  const plain = text.normalize('NFKC')
  const alone = /(?<!\d)(\d{3})[\s-]?(\d{3})(?!\d)/.exec(plain)
  return alone ? `${alone[1]}${alone[2]}` : plain.replace(/\D/g, '').slice(0, TOKEN_DIGITS)
}

/** The minutes that are left until then, rounded up; 0: it is over. */
export function minutesLeft(until: number, now: number): number {
  return Math.max(0, Math.ceil((until - now) / 60_000))
}
