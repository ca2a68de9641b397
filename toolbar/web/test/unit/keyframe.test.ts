import { readFileSync } from 'node:fs'
import headless from '@xterm/headless'
import { describe, expect, it } from 'vitest'

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

type Term = InstanceType<typeof headless.Terminal>
const vectors = JSON.parse(readFileSync(file, 'utf8')) as Vector[]
const raw = (base64: string): Uint8Array => Uint8Array.from(Buffer.from(base64, 'base64'))

// The page's add-on for grapheme clusters does not run outside a browser: widths of emoji sequences are not compared.
const terminal = (v: Vector): Term =>
  new headless.Terminal({ cols: v.cols, rows: v.rows, scrollback: 1000, allowProposedApi: true })

const write = (term: Term, bytes: Uint8Array): Promise<void> => new Promise((done) => term.write(bytes, done))

/** All that can be seen of one buffer, and where its cursor is. */
function look(buffer: Term['buffer']['normal'], cols: number): unknown {
  const lines: string[] = []
  for (let y = 0; y < buffer.length; y++) {
    const line = buffer.getLine(y)
    const cells: string[] = []
    for (let x = 0; x < cols; x++) {
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
      cells.push(`${c.getChars() || ' '} ${flags.map(Number).join('')} ${fg}/${bg}`)
    }
    while (cells.at(-1) === '  0000000 0:-1/0:-1') cells.pop()
    lines.push(cells.join(' | '))
  }
  return { lines, x: buffer.cursorX, y: buffer.baseY + buffer.cursorY }
}

function everything(term: Term, title: string): unknown {
  const { normal, alternate } = term.buffer
  return {
    active: term.buffer.active.type,
    normal: look(normal, term.cols),
    alternate: term.buffer.active.type === 'alternate' ? look(alternate, term.cols) : undefined,
    modes: term.modes,
    title,
  }
}

/** Streams whose key frame is known to draw something else, and why. */
const known = new Map([['hyperlink', 'the model keeps the text of a link, not the link and its underline']])

describe('key frames', () => {
  const stream = (v: Vector) => v.name.replace(/, cut \d+$/, '')
  it('has streams for all that is known to differ, and many that do not', () => {
    const names = new Set(vectors.map(stream))
    for (const name of known.keys()) expect(names).toContain(name)
    expect(names.size - known.size).toBeGreaterThan(40)
  })

  it.each(vectors.filter((v) => !known.has(stream(v))))(
    'C2 a page that comes back sees the same screen: $name',
    async (v) => {
      const stream = raw(v.stream)
      let wholeTitle = ''
      let laterTitle = ''
      const whole = terminal(v)
      whole.onTitleChange((t) => {
        wholeTitle = t
      })
      await write(whole, stream)
      const later = terminal(v)
      later.onTitleChange((t) => {
        laterTitle = t
      })
      await write(later, raw(v.keyframe))
      await write(later, stream.subarray(v.cut))
      expect(everything(later, laterTitle)).toEqual(everything(whole, wholeTitle))
    },
  )
})
