import headless from '@xterm/headless'

// The page's add-on for grapheme clusters reads its table out of the buffer behind a Buffer, which must therefore begin
// with it: no pool.
Buffer.poolSize = 0
const { UnicodeGraphemesAddon } = await import('@xterm/addon-unicode-graphemes')

export type Term = InstanceType<typeof headless.Terminal>

/** A terminal that counts cells as the page's does. */
export function terminal(cols: number, rows: number): Term {
  const term = new headless.Terminal({ cols, rows, scrollback: 1000, allowProposedApi: true })
  term.loadAddon(new UnicodeGraphemesAddon() as unknown as Parameters<Term['loadAddon']>[0])
  return term
}

/** Writes, and waits until it is drawn. */
export const write = (term: Term, bytes: Uint8Array | string): Promise<void> =>
  new Promise((done) => term.write(bytes, done))
