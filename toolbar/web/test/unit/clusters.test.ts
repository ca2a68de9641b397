import { readFileSync, writeFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { type Term, terminal } from './graphemes.js'

// The server's screen model goes by a table of its own. It must say of every code point what the page's terminal says.
// UPDATE=1 writes it anew, after an update of the add-on.
const file = new URL('../../../../sshx/internal/vt/clusters.txt', import.meta.url)

interface UnicodeService {
  charProperties(code: number, before: number): number
}

const service = (term: Term): UnicodeService =>
  (term as unknown as { _core: { unicodeService: UnicodeService } })._core.unicodeService

function table(): string {
  const unicode = service(terminal(80, 24))
  const lines: string[] = []
  let last = ''
  for (let code = 0; code < 0x110000; code++) {
    const found = unicode.charProperties(code, 0)
    const run = `${(found >> 3) & 15} ${(found >> 1) & 3}`
    if (run !== last) lines.push(`${code.toString(16)} ${run}`)
    last = run
  }
  return `${lines.join('\n')}\n`
}

it('C2 the screen model knows the properties of every character as the page does', () => {
  const now = table()
  if (process.env.UPDATE) writeFileSync(file, now)
  expect(readFileSync(file, 'utf8') === now, `${file.pathname} is not what the add-on says; run with UPDATE=1`).toBe(
    true,
  )
})
