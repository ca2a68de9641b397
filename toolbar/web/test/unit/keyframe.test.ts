import { readFileSync } from 'node:fs'
import type { IBufferCell } from '@xterm/headless'
import { describe, expect, it } from 'vitest'
import { type Term, terminal, write } from './graphemes.js'

// What a page that comes back is shown, against the terminal that draws it: the whole stream on one terminal, the key
// frame and what followed on another.
const file = new URL('../../../../sshx/internal/vt/testdata/keyframes.json', import.meta.url)

interface Vector {
  name: string
  cols: number
  rows: number
  stream: string
  cut: number
  keyframe: string
}

const vectors = JSON.parse(readFileSync(file, 'utf8')) as Vector[]
const raw = (base64: string): Uint8Array => Uint8Array.from(Buffer.from(base64, 'base64'))

interface Core {
  _oscLinkService: { getLinkData(id: number): { uri: string } | undefined }
}

/** Where a cell leads, which the terminal's published interface does not say. */
function linkOf(term: Term, cell: IBufferCell): string {
  const { extended } = cell as unknown as { extended: { urlId: number } }
  const core = (term as unknown as { _core: Core })._core
  return core._oscLinkService.getLinkData(extended.urlId)?.uri ?? ''
}

/** All that can be seen of one buffer, and where its cursor is. */
function look(term: Term, buffer: Term['buffer']['normal']): unknown {
  const lines: string[] = []
  for (let y = 0; y < buffer.length; y++) {
    const line = buffer.getLine(y)
    const cells: string[] = []
    for (let x = 0; x < term.cols; x++) {
      const c = line?.getCell(x)
      if (!c || c.getWidth() === 0) continue
      const flags = [
        c.isBold(),
        c.isDim(),
        c.isItalic(),
        c.isUnderline(),
        c.isInverse(),
        c.isInvisible(),
        c.isStrikethrough(),
      ]
      // 38;5;9 and 91 are one colour, kept in two ways.
      const fg = `${c.isFgPalette() ? 'palette' : c.getFgColorMode()}:${c.getFgColor()}`
      const bg = `${c.isBgPalette() ? 'palette' : c.getBgColorMode()}:${c.getBgColor()}`
      cells.push(
        `${c.getChars() || ' '}${c.getWidth() === 2 ? '=' : ''} ${flags.map(Number).join('')} ${fg}/${bg} ${linkOf(term, c)}`,
      )
    }
    while (cells.at(-1) === '  0000000 0:-1/0:-1 ') cells.pop()
    lines.push(cells.join(' | '))
  }
  return { lines, x: buffer.cursorX, y: buffer.baseY + buffer.cursorY }
}

function everything(term: Term, title: string): unknown {
  const { normal, alternate } = term.buffer
  return {
    active: term.buffer.active.type,
    normal: look(term, normal),
    alternate: term.buffer.active.type === 'alternate' ? look(term, alternate) : undefined,
    modes: term.modes,
    title,
  }
}

describe('key frames', () => {
  it.each(vectors)('C2 a page that comes back sees the same screen: $name', async (v) => {
    const stream = raw(v.stream)
    let wholeTitle = ''
    let laterTitle = ''
    const whole = terminal(v.cols, v.rows)
    whole.onTitleChange((t) => {
      wholeTitle = t
    })
    await write(whole, stream)
    const later = terminal(v.cols, v.rows)
    later.onTitleChange((t) => {
      laterTitle = t
    })
    await write(later, raw(v.keyframe))
    await write(later, stream.subarray(v.cut))
    expect(everything(later, laterTitle)).toEqual(everything(whole, wholeTitle))
  })
})
