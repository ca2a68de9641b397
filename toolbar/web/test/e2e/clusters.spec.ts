import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@playwright/test'
import { repo } from './paths.js'

// What the page's terminal makes of clusters, in Chromium itself. The server's screen model is held against the same
// file. UPDATE=1 writes it anew.
const golden = join(repo, 'sshx/internal/vt/testdata/clusters.json')
const xterm = join(import.meta.dirname, '../../node_modules/@xterm')

const COLS = 20

const texts = {
  ascii: 'plain text',
  accents: 'e\u0301 a\u0308 o\u0302\u0323 x\u0336y',
  'ZWJ sequences': '👩\u200d🚀x👨\u200d👩\u200d👧\u200d👦x🏴\u200d☠\ufe0fx',
  'ZWJ without pictures': 'a\u200db 日\u200d本 👩\u200dx',
  'skin tones': '👍🏽x✌🏻x☝🏿x🏽',
  'both of them': '👩🏽\u200d❤\ufe0f\u200d💋\u200d👩🏿x',
  flags: '🇩🇪🇫🇷x🇩x🇩🇪🇫',
  'flag of a part': '🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}x',
  'variation selectors': '❤x❤\ufe0fx❤\ufe0ex☺\ufe0fx😀\ufe0ex',
  keycaps: '1\ufe0f\u20e3#\ufe0f\u20e3x1\u20e3',
  'East Asian': '日本語 한국어 ｗｉｄｅ ｶﾅ',
  Hangul: '\u1112\u1161\u11ab\u1100\u1161x한\u11a8',
  Thai: 'ภาษาไทย กำ นี้',
  Devanagari: 'नमस्ते क्षि',
  Tamil: 'தமிழ் கொ',
  Arabic: 'السَّلام',
  Hebrew: 'שָׁלוֹם',
  prepended: '\u0600123 \u06dda',
  'marks on nothing': '\u0301x \ufe0fy',
  invisible: 'a\u200bb\u2060c\u00add',
  ambiguous: '±×÷ α→■♥',
  'box drawing': '┌─┐│╭╯█▓',
  'private use': '\ue0b0\uf121\u{f0001}x',
  'at the edge': `${'x'.repeat(COLS - 1)}日y`,
  'flag at the edge': `${'x'.repeat(COLS - 1)}🇩🇪y`,
  'widened at the edge': `${'x'.repeat(COLS - 1)}❤\ufe0fy`,
  'joined at the edge': `${'x'.repeat(COLS - 2)}👩\u200d🚀y`,
  'new pictures': '🫠🫨🪿🩷x',
}

interface Cells {
  text: string
  /** Lines of cells: what each shows, with its width; cells without text are left out at the end. */
  lines: [string, number][][]
  x: number
  y: number
}

interface Line {
  getCell(x: number): { getChars(): string; getWidth(): number } | undefined
}
interface Term {
  loadAddon(addon: unknown): void
  write(text: string, done: () => void): void
  buffer: { active: { cursorX: number; cursorY: number; getLine(y: number): Line | undefined } }
}
declare const Terminal: new (options: object) => Term
declare const UnicodeGraphemesAddon: { UnicodeGraphemesAddon: new () => unknown }

test('C2 clusters take as many cells in the browser as in the screen model', async ({ page }) => {
  await page.setContent('<!doctype html><title>clusters</title>')
  await page.addScriptTag({ path: join(xterm, 'xterm/lib/xterm.js') })
  await page.addScriptTag({ path: join(xterm, 'addon-unicode-graphemes/lib/addon-unicode-graphemes.js') })
  const found: Record<string, Cells> = {}
  for (const [name, text] of Object.entries(texts)) {
    found[name] = await page.evaluate(
      async ({ text, cols }) => {
        const term = new Terminal({ cols, rows: 4, allowProposedApi: true })
        term.loadAddon(new UnicodeGraphemesAddon.UnicodeGraphemesAddon())
        await new Promise<void>((done) => term.write(text, done))
        const { active } = term.buffer
        const lines: [string, number][][] = []
        for (let y = 0; y <= active.cursorY; y++) {
          const line: [string, number][] = []
          for (let x = 0; x < cols; x++) {
            const cell = active.getLine(y)?.getCell(x)
            if (cell && cell.getWidth() > 0) line.push([cell.getChars(), cell.getWidth()])
          }
          while (line.at(-1)?.[0] === '') line.pop()
          lines.push(line)
        }
        return { text, lines, x: active.cursorX, y: active.cursorY }
      },
      { text, cols: COLS },
    )
  }
  if (process.env.UPDATE) writeFileSync(golden, `${JSON.stringify(found, undefined, 1)}\n`)
  expect(found).toEqual(JSON.parse(readFileSync(golden, 'utf8')))
})
