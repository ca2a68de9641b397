import { describe, expect, it } from 'vitest'
import { examine, mustAsk, reveal, withoutLastBreak } from '../../src/core/paste.js'

describe('I6 what a paste would do', () => {
  it.each([
    ['ls -l', 1, false, 0, false],
    ['ls\ttab', 1, false, 0, false],
    ['größe 漢字 👨‍👩‍👧 नमस्ते', 1, false, 0, false],
    ['rm -rf /\n', 1, true, 0, true],
    ['a\r', 1, true, 0, true],
    ['one\ntwo', 2, false, 0, true],
    ['one\r\ntwo\r\n', 2, true, 0, true],
    ['one\rtwo\rthree', 3, false, 0, true],
    ['one\n\n', 1, true, 0, true],
    ['\n', 1, true, 0, true],
    ['ls\x1b[201~rm', 1, false, 1, true],
    ['a\x03b\x04', 1, false, 2, true],
    ['c1 \x9b31m', 1, false, 1, true],
    ['\u202etxt.exe\u2066', 1, false, 2, true],
    ['ec\u200bho', 1, false, 1, true],
    ['two\u2028lines', 1, false, 1, true],
    ['tag \u{e0041}', 1, false, 1, true],
  ])('I6 %j', (text, lines, ends, hidden, ask) => {
    const p = examine(text)
    expect(p).toEqual({ lines, ends, hidden })
    expect(mustAsk(p)).toBe(ask)
    expect(examine(text)).toEqual(p) // no state is kept between two calls
  })

  it('I6 leaves out the line breaks at the end, and no others', () => {
    expect(withoutLastBreak('a\nb\n')).toBe('a\nb')
    expect(withoutLastBreak('a\r\n\r\n')).toBe('a')
    expect(withoutLastBreak(' a ')).toBe(' a ')
  })

  it('I6 shows what would not be seen, by its picture or its number', () => {
    const { pieces, more } = reveal('a\x1bb\u202ec\r\nd\x7f\n')
    expect(pieces).toEqual([
      { text: 'a', mark: false },
      { text: '␛', mark: true },
      { text: 'b', mark: false },
      { text: 'U+202E', mark: true },
      { text: 'c\nd', mark: false },
      { text: '␡', mark: true },
      { text: '⏎', mark: true },
    ])
    expect(more).toBe(0)
  })

  it('I6 says how much of a long text it does not show', () => {
    expect(reveal('x'.repeat(25_000)).more).toBe(5000)
    const lines = reveal('line\n'.repeat(1000))
    expect(lines.more).toBe(800 * 5)
    expect(lines.pieces.at(-1)).toEqual({ text: 'line\n'.repeat(200), mark: false })
  })
})
