// What is used of the terminal beyond its published interface, in one place, each with what happens without it.
import type { ILinkProvider, Terminal } from '@xterm/xterm'

interface RowFactory {
  _addStyle?: (element: HTMLElement, style: string) => void
}

interface Core {
  /** Parses at once. Without it: the published write, whose timers a covered tab holds back. */
  writeSync?: (bytes: Uint8Array) => void
  /** Where rows are made without WebGL. Without it: colours beyond the palette are lost under a strict policy. */
  _renderService?: { _renderer?: { value?: { _rowFactory?: RowFactory } } }
  /** All providers of links. Without it: the keyboard does not reach links. */
  _linkProviderService?: { linkProviders?: ILinkProvider[] }
}

const coreOf = (term: Terminal): Core | undefined => (term as unknown as { _core?: Core })._core

/** A function that parses bytes before it returns, if the terminal has one. */
export function syncWriter(term: Terminal): ((bytes: Uint8Array) => void) | undefined {
  const core = coreOf(term)
  return typeof core?.writeSync === 'function' ? (bytes) => core.writeSync?.(bytes) : undefined
}

/**
 * The renderer that makes rows of elements writes colours into style attributes, which a strict policy forbids. The
 * same declarations set through the element's style object are allowed.
 */
export function styleByObject(term: Terminal): void {
  const rows = coreOf(term)?._renderService?._renderer?.value?._rowFactory
  if (!rows || typeof rows._addStyle !== 'function') return
  rows._addStyle = (element, style) => {
    for (const declaration of style.split(';')) {
      const colon = declaration.indexOf(':')
      if (colon > 0) element.style.setProperty(declaration.slice(0, colon).trim(), declaration.slice(colon + 1).trim())
    }
  }
}

/** What finds the links of a row: that of marked links, and those that were registered. None: only a click finds links. */
export function linkProviders(term: Terminal): readonly ILinkProvider[] {
  const found = coreOf(term)?._linkProviderService?.linkProviders
  return Array.isArray(found) ? found : []
}
