import type { CDPSession } from '@playwright/test'
import { openReal, testOn } from './real-test.js'
import { expectFile } from './session.js'

const test = testOn('xrdp')

/** Keys by their place, held together from the left, and the text that they or, without one, the next ones make. */
type Chord = [keys: string, text?: string]

/** What boards of the world make of the same places: layouts of X, which the target decides about. Those without text are dead keys. */
const layouts: Record<string, { xkb: string[]; chords: Chord[] }> = {
  US: {
    xkb: ['us'],
    chords: [
      ['KeyY', 'y'],
      ['Shift+Digit2', '@'],
      ['Backslash', '\\'],
      ['BracketLeft', '['],
      ['Shift+Backquote', '~'],
    ],
  },
  UK: {
    xkb: ['gb'],
    chords: [
      ['Shift+Digit3', '£'],
      ['Shift+Quote', '@'],
      ['Backslash', '#'],
      ['IntlBackslash', '\\'],
      ['Shift+Digit2', '"'],
    ],
  },
  DE: {
    xkb: ['de'],
    chords: [
      ['KeyZ', 'y'],
      ['KeyY', 'z'],
      ['Semicolon', 'ö'],
      ['Minus', 'ß'],
      ['AltGr+KeyQ', '@'],
      ['AltGr+KeyE', '€'],
      ['AltGr+Digit7', '{'],
      ['IntlBackslash', '<'],
      ['Equal'],
      ['KeyE', 'é'],
    ],
  },
  FR: {
    xkb: ['fr'],
    chords: [
      ['KeyQ', 'a'],
      ['KeyA', 'q'],
      ['KeyW', 'z'],
      ['Digit2', 'é'],
      ['Shift+Digit2', '2'],
      ['Semicolon', 'm'],
      ['AltGr+Digit0', '@'],
      ['BracketLeft'],
      ['KeyE', 'ê'],
    ],
  },
  ES: {
    xkb: ['es'],
    chords: [['Semicolon', 'ñ'], ['AltGr+Digit2', '@'], ['Shift+Minus', '?'], ['Quote'], ['KeyA', 'á']],
  },
  IT: {
    xkb: ['it'],
    chords: [
      ['Semicolon', 'ò'],
      ['BracketLeft', 'è'],
      ['Quote', 'à'],
      ['AltGr+Semicolon', '@'],
      ['Shift+Digit3', '£'],
    ],
  },
  'PT-BR': {
    xkb: ['br'],
    chords: [
      ['IntlRo', '/'],
      ['Semicolon', 'ç'],
      ['BracketRight', '['],
      ['BracketLeft'],
      ['KeyA', 'á'],
      ['Quote'],
      ['KeyO', 'õ'],
    ],
  },
  SE: {
    xkb: ['se'],
    chords: [
      ['BracketLeft', 'å'],
      ['Quote', 'ä'],
      ['Semicolon', 'ö'],
      ['AltGr+Digit2', '@'],
      ['Shift+Minus', '?'],
      ['IntlBackslash', '<'],
    ],
  },
  CH: {
    xkb: ['ch'],
    chords: [
      ['KeyZ', 'y'],
      ['BracketLeft', 'ü'],
      ['AltGr+Digit2', '@'],
      ['Shift+Digit1', '+'],
      ['Shift+Semicolon', 'é'],
    ],
  },
  JP: {
    xkb: ['jp'],
    chords: [
      ['Shift+Digit2', '"'],
      ['BracketLeft', '@'],
      ['IntlYen', '\\'],
      ['IntlRo', '\\'],
      ['Shift+Minus', '='],
      ['Quote', ':'],
    ],
  },
  PL: {
    xkb: ['pl'],
    chords: [
      ['AltGr+KeyL', 'ł'],
      ['AltGr+KeyA', 'ą'],
      ['AltGr+Shift+KeyZ', 'Ż'],
      ['AltGr+KeyX', 'ź'],
    ],
  },
  RU: {
    xkb: ['ru'],
    chords: [
      ['KeyF', 'а'],
      ['KeyQ', 'й'],
      ['BracketRight', 'ъ'],
      ['Backquote', 'ё'],
      ['Shift+Slash', ','],
    ],
  },
}

const modifiers: Record<string, { code: string; key: string; bit: number }> = {
  Shift: { code: 'ShiftLeft', key: 'Shift', bit: 8 },
  AltGr: { code: 'AltRight', key: 'AltGraph', bit: 0 },
}

/** Strikes keys as the browser of somebody who has this board tells of them. */
async function strike(cdp: CDPSession, [keys, text]: Chord): Promise<void> {
  const names = keys.split('+')
  const last = names.pop() ?? ''
  const held = names.map((n) => modifiers[n] ?? { code: n, key: n, bit: 0 })
  let bits = 0
  for (const m of held) {
    bits |= m.bit
    await cdp.send('Input.dispatchKeyEvent', { type: 'rawKeyDown', code: m.code, key: m.key, modifiers: bits })
  }
  const key = last === 'Enter' ? 'Enter' : (text ?? 'Dead')
  await cdp.send('Input.dispatchKeyEvent', { type: 'rawKeyDown', code: last, key, modifiers: bits })
  await cdp.send('Input.dispatchKeyEvent', { type: 'keyUp', code: last, key, modifiers: bits })
  for (const m of held.reverse()) {
    bits &= ~m.bit
    await cdp.send('Input.dispatchKeyEvent', { type: 'keyUp', code: m.code, key: m.key, modifiers: bits })
  }
}

test('L7 keys of twelve layouts arrive in a real session as the bytes that are on them, dead keys and AltGr too', async ({
  anna,
  world,
}) => {
  const { server } = world
  const { home } = await server.about
  const desk = await openReal(anna, world)
  // A terminal that composes, where keys go as long as the pointer is on it.
  await server.sh(
    `printf '%s' ': >typed; while IFS= read -r l; do printf "%s\\n" "$l" >>typed; done' >read.sh
     LC_ALL=C.UTF-8 setsid xterm -u8 -fn fixed -geometry 60x6+0+0 -e sh read.sh >/dev/null 2>&1 </dev/null &`,
  )
  await expectFile(`${home}/typed`, '')
  const there = await desk.at(60, 40)
  await desk.page.mouse.move(there.x, there.y)
  await desk.right()
  const cdp = await desk.page.context().newCDPSession(desk.page)
  let lines = ''
  for (const [name, { xkb, chords }] of Object.entries(layouts)) {
    await test.step(name, async () => {
      await server.run('setxkbmap', ...xkb)
      for (const chord of chords) await strike(cdp, chord)
      await strike(cdp, ['Enter'])
      lines += `${lines && '\n'}${chords.map(([, text]) => text ?? '').join('')}`
      await expectFile(`${home}/typed`, lines)
    })
  }
})
