// Links of the target (S08, S21): what they truly lead to, in letters that cannot lie. Nothing here opens one.

/** The longest address that is offered. */
const MAX_ADDRESS = 4096

/** How much of the part behind the host is shown in full. */
const MAX_REST = 240

/** What should make a reader look twice. */
export type LinkDoubt = 'other_host' | 'punycode' | 'userinfo'

/** A link as it is offered: an address in plain ASCII, in parts. */
export interface LinkTarget {
  /** The whole address: http or https, percent-encoded, its host in punycode. */
  href: string
  /** What stands before the host. */
  before: string
  host: string
  /** What stands behind it, cut in its middle if it is long. */
  after: string
  /** How many characters were cut out. */
  cut: number
  doubts: LinkDoubt[]
}

/** Where an address leads; undefined if it is none that is ever opened. shown: the text of the link on the screen. */
export function linkTarget(address: string, shown: string): LinkTarget | undefined {
  if (address.length > MAX_ADDRESS) return undefined
  const url = parse(address)
  if (!url || !/^[\x21-\x7e]+$/.test(url.href)) return undefined
  const doubts: LinkDoubt[] = []
  const named = hostIn(shown)
  if (named !== '' && named !== url.host) doubts.push('other_host')
  if (/(^|\.)xn--/.test(url.hostname)) doubts.push('punycode')
  if (url.username !== '' || url.password !== '') doubts.push('userinfo')
  const rest = url.pathname + url.search + url.hash
  const cut = Math.max(0, rest.length - MAX_REST)
  const at = url.href.length - rest.length
  return {
    href: url.href,
    before: url.href.slice(0, at - url.host.length),
    host: url.host,
    after: cut > 0 ? `${rest.slice(0, MAX_REST / 2)}…${rest.slice(rest.length - MAX_REST / 2)}` : rest,
    cut,
    doubts,
  }
}

/** http and https alone: no other address is a link, whatever it is called. */
function parse(address: string): URL | undefined {
  if (!/^https?:\/\//i.test(address)) return undefined
  try {
    const url = new URL(address)
    return (url.protocol === 'http:' || url.protocol === 'https:') && url.host !== '' ? url : undefined
  } catch {
    return undefined
  }
}

/** The host that a text speaks of; empty if it speaks of none. */
function hostIn(text: string): string {
  const said = /(?:https?:\/\/)?([^\s/@]+\.[^\s/@.]{2,}(?::\d+)?)/iu.exec(text.trim())
  if (!said?.[1]) return ''
  const scheme = /^http:/i.test(said[0]) ? 'http' : 'https'
  return parse(`${scheme}://${said[1]}`)?.host ?? ''
}

// An address in running text ends where no address could go on; what is punctuation of the sentence is not part of it.
const ADDRESS = /https?:\/\/[^\s"'<>\\^`{|}\p{C}]+/giu

/** The addresses in a line of text, with where they begin. */
export function addressesIn(text: string): { at: number; address: string }[] {
  return [...text.matchAll(ADDRESS)]
    .map((m) => ({ at: m.index, address: trim(m[0]) }))
    .filter(({ address }) => parse(address) !== undefined)
}

function trim(address: string): string {
  for (;;) {
    const last = address.at(-1) ?? ''
    const open = { ')': '(', ']': '[' }[last]
    const unmatched = open !== undefined && address.split(open).length < address.split(last).length
    if (!unmatched && !/[.,;:!?*_~]/.test(last)) return address
    address = address.slice(0, -1)
  }
}
