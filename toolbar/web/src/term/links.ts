import type { IBufferCellPosition, IBufferRange, ILink, Terminal } from '@xterm/xterm'
import { linkProviders } from './internals.js'
import { addressesIn, type LinkTarget, linkTarget } from './link.js'

/** Rows that one address may be wrapped over. */
const MAX_ROWS = 32

/** The most links of one screen that are offered at once. */
const MAX_LINKS = 50

/** A click on a link: what it leads to, and where, in pixels of the window. */
export type LinkClick = (target: LinkTarget, at: { x: number; y: number }) => void

/**
 * Makes links of what a program marks as one (OSC 8), and of addresses in its text. A click opens nothing: it asks for
 * the target to be shown.
 */
export function offerLinks(term: Terminal, permitted: () => boolean, click: LinkClick): void {
  const activate = (event: MouseEvent, address: string, range: IBufferRange): void => {
    if (!permitted() || event.button !== 0) return
    const target = linkTarget(address, textIn(term, range))
    if (target) click(target, { x: event.clientX, y: event.clientY })
  }
  term.options.linkHandler = { activate, allowNonHttpProtocols: false }
  term.registerLinkProvider({
    provideLinks: (y, give) => give(permitted() ? plainLinks(term, y, activate) : undefined),
  })
}

/** The links that can be seen now, the last one first: that is where a reader looks. */
export function linksInView(term: Terminal): LinkTarget[] {
  const found = new Map<string, LinkTarget>()
  const top = term.buffer.active.viewportY
  for (let y = top + term.rows; y > top && found.size < MAX_LINKS; y--) {
    const row: ILink[] = []
    for (const provider of linkProviders(term)) {
      // Where a marked link reads like an address, it is the mark that counts, as it does for the mouse.
      provider.provideLinks(y, (links) => row.push(...(links ?? []).filter((x) => !row.some((r) => overlap(r, x)))))
    }
    row.sort((a, b) => b.range.start.x - a.range.start.x)
    for (const link of row) {
      const target = linkTarget(link.text, textIn(term, link.range))
      if (target && !found.has(target.href)) found.set(target.href, target)
    }
  }
  return [...found.values()].slice(0, MAX_LINKS)
}

function overlap({ range: a }: ILink, { range: b }: ILink): boolean {
  const before = (p: IBufferCellPosition, q: IBufferCellPosition): boolean => p.y < q.y || (p.y === q.y && p.x < q.x)
  return !before(a.end, b.start) && !before(b.end, a.start)
}

/** The addresses of the line that the row y, counted from 1, is a part of. */
function plainLinks(
  term: Terminal,
  y: number,
  activate: (event: MouseEvent, address: string, range: IBufferRange) => void,
): ILink[] {
  const buffer = term.buffer.active
  let first = y - 1
  while (first > 0 && y - first < MAX_ROWS && buffer.getLine(first)?.isWrapped) first--
  let text = ''
  const places: IBufferCellPosition[] = [] // of each UTF-16 unit of text
  for (let row = first; row < first + MAX_ROWS; row++) {
    const line = buffer.getLine(row)
    if (!line || (row > first && !line.isWrapped)) break
    for (let x = 0; x < line.length; x++) {
      const cell = line.getCell(x)
      if (!cell || cell.getWidth() === 0) continue
      const chars = cell.getChars() || ' '
      text += chars
      for (let i = 0; i < chars.length; i++) places.push({ x: x + 1, y: row + 1 })
    }
  }
  return addressesIn(text).flatMap(({ at, address }): ILink[] => {
    const start = places[at]
    const end = places[at + address.length - 1]
    if (!start || !end || start.y > y || end.y < y) return []
    const range = { start, end }
    return [{ range, text: address, activate: (event) => activate(event, address, range) }]
  })
}

function textIn(term: Terminal, { start, end }: IBufferRange): string {
  let text = ''
  for (let y = start.y; y <= end.y && y < start.y + MAX_ROWS; y++) {
    const from = y === start.y ? start.x - 1 : 0
    text += term.buffer.active.getLine(y - 1)?.translateToString(true, from, y === end.y ? end.x : undefined) ?? ''
  }
  return text
}
