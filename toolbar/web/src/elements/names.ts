/** The initials of a person's name: one or two letters. */
export function initials(name: string): string {
  const words = name
    .trim()
    .split(/[\s._@-]+/u)
    .filter(Boolean)
  const first = Array.from(words[0] ?? '?')[0] ?? '?'
  const last = words.length > 1 ? (Array.from(words[words.length - 1] ?? '')[0] ?? '') : ''
  return (first + last).toLocaleUpperCase()
}

/** A duration as h:mm:ss. */
export function duration(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000))
  const two = (n: number): string => String(n).padStart(2, '0')
  return `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`
}

/** How long a name is before its end is kept apart from what may be cut, and how much of it that is. */
const LONG = 20
const TAIL = 8

/**
 * Scripts whose letters take their shape from their neighbours, or that run from right to left: a name in one of them
 * falls apart where it is cut in two.
 */
const JOINED =
  /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}\p{Script=Devanagari}\p{Script=Mongolian}]/u

/** The end of a long name that is to stay when the name is cut; empty for a short one, and for one that must be whole. */
export function tail(name: string): string {
  const all = Array.from(name)
  return all.length > LONG && !JOINED.test(name) ? all.slice(-TAIL).join('') : ''
}
