import { describe, expect, it } from 'vitest'
import { type Cursor, cursorStyle, parseCursor } from '../../src/desk/cursor.js'
import { textEvents } from '../../src/desk/events.js'
import { Keyboard, type Stroke } from '../../src/desk/keyboard.js'
import { deskLook } from '../../src/desk/look.js'
import { push } from '../../src/desk/pan.js'
import { Pointer } from '../../src/desk/pointer.js'
import { codes, scancode } from '../../src/desk/scancodes.js'
import { type Finger, Touch } from '../../src/desk/touch.js'
import { crisp, locate, place, stepped, wanted, ZOOMS, zoomOf } from '../../src/desk/viewport.js'
import { Wheel } from '../../src/desk/wheel.js'

const hex = (b: Uint8Array): string => [...b].map((v) => v.toString(16).padStart(2, '0')).join('')

describe('L7 scancodes', () => {
  it('gives every key a scancode of its own', () => {
    const all = codes().map((c) => scancode(c))
    expect(new Set(all).size).toBe(all.length)
    expect(all.length).toBeGreaterThanOrEqual(105)
  })

  // A layout is the target's: the same key, by its place, is sent whatever it is called. What differs are the keys that a board has.
  const layouts: Record<string, [code: string, scancode: number][]> = {
    US: [
      ['Backquote', 0x29],
      ['Backslash', 0x2b],
      ['KeyY', 0x15],
      ['KeyZ', 0x2c],
    ],
    UK: [
      ['IntlBackslash', 0x56],
      ['Backslash', 0x2b],
      ['Backquote', 0x29],
    ],
    DE: [
      ['KeyY', 0x15],
      ['KeyZ', 0x2c],
      ['Minus', 0x0c],
      ['Semicolon', 0x27],
      ['AltRight', 0xe038],
    ],
    FR: [
      ['KeyQ', 0x10],
      ['KeyA', 0x1e],
      ['KeyW', 0x11],
      ['KeyZ', 0x2c],
      ['Digit2', 0x03],
      ['KeyM', 0x32],
    ],
    ES: [
      ['Semicolon', 0x27],
      ['BracketLeft', 0x1a],
      ['Quote', 0x28],
    ],
    IT: [
      ['Semicolon', 0x27],
      ['Quote', 0x28],
      ['Backslash', 0x2b],
    ],
    'PT-BR': [
      ['IntlRo', 0x73],
      ['NumpadComma', 0x7e],
      ['Semicolon', 0x27],
    ],
    SE: [
      ['BracketLeft', 0x1a],
      ['Quote', 0x28],
      ['IntlBackslash', 0x56],
    ],
    CH: [
      ['BracketRight', 0x1b],
      ['Semicolon', 0x27],
      ['AltRight', 0xe038],
    ],
    JP: [
      ['IntlYen', 0x7d],
      ['IntlRo', 0x73],
      ['Convert', 0x79],
      ['NonConvert', 0x7b],
      ['KanaMode', 0x70],
    ],
    PL: [
      ['AltRight', 0xe038],
      ['KeyL', 0x26],
      ['KeyX', 0x2d],
    ],
    RU: [
      ['KeyF', 0x21],
      ['BracketRight', 0x1b],
      ['Backquote', 0x29],
    ],
    KR: [
      ['Lang1', 0x72],
      ['Lang2', 0x71],
    ],
    all: [
      ['Pause', 0xe11d],
      ['PrintScreen', 0xe037],
      ['NumpadEnter', 0xe01c],
      ['Insert', 0xe052],
      ['AudioVolumeMute', 0xe020],
    ],
  }
  for (const [layout, keys] of Object.entries(layouts)) {
    it.each(keys)(`${layout}: %s`, (code, want) => expect(scancode(code)).toBe(want))
  }
})

function keyboard() {
  const sent: string[] = []
  const later: (() => void)[] = []
  const k = new Keyboard(
    (b) => sent.push(hex(b)),
    (f) => later.push(f),
  )
  const stroke = (code: string, more: Partial<Stroke> & { held?: string[] } = {}): Stroke => ({
    code,
    key: more.key ?? code,
    isComposing: more.isComposing ?? false,
    timeStamp: more.timeStamp ?? 0,
    getModifierState: (name) => more.held?.includes(name) ?? false,
  })
  const take = (): string[] => sent.splice(0)
  return { k, stroke, take, later }
}

describe('L7 keyboard', () => {
  it('tells the lock keys first, and again only when they differ and nothing is down', () => {
    const { k, stroke, take } = keyboard()
    expect(k.down(stroke('KeyA', { held: ['NumLock'] }))).toBe('sent')
    expect(take()).toEqual(['03020000', '0101001e'])
    k.down(stroke('KeyB', { held: ['CapsLock'] }))
    expect(take()).toEqual(['01010030'])
    k.up(stroke('KeyA'))
    k.up(stroke('KeyB'))
    take()
    k.down(stroke('KeyC', { held: ['CapsLock'] }))
    expect(take()).toEqual(['03040000', '0101002e'])
  })

  it('repeats a key that is held, and lifts all on release', () => {
    const { k, stroke, take } = keyboard()
    k.down(stroke('ShiftLeft'))
    k.down(stroke('KeyA'))
    k.down(stroke('KeyA'))
    take()
    k.release()
    expect(take()).toEqual(['04000000'])
    k.up(stroke('KeyA'))
    expect(take()).toEqual([])
    k.release()
    expect(take()).toEqual([])
  })

  it('takes AltGr of Windows for what it is, and a Ctrl for a Ctrl', () => {
    const { k, stroke, take, later } = keyboard()
    k.down(stroke('ControlLeft', { timeStamp: 10 }))
    k.down(stroke('AltRight', { timeStamp: 10, key: 'AltGraph' }))
    expect(take()).toEqual(['03000000', '0101e038'])
    for (const f of later.splice(0)) f()
    k.up(stroke('ControlLeft'))
    k.up(stroke('AltRight'))
    expect(take()).toEqual(['0100e038'])
    k.down(stroke('ControlLeft', { timeStamp: 50 }))
    k.down(stroke('AltRight', { timeStamp: 90 }))
    expect(take()).toEqual(['0101001d', '0101e038'])
    k.release()
    take()
    k.down(stroke('ControlLeft', { timeStamp: 200 }))
    for (const f of later.splice(0)) f()
    expect(take()).toEqual(['03000000', '0101001d'])
    k.down(stroke('KeyC', { timeStamp: 210 }))
    expect(take()).toEqual(['0101002e'])
    k.release()
    take()
    k.down(stroke('ControlLeft', { timeStamp: 300 }))
    k.up(stroke('ControlLeft', { timeStamp: 301 }))
    expect(take()).toEqual(['03000000', '0101001d', '0100001d'])
  })

  it('lifts what macOS does not tell of when Command goes up', () => {
    const { k, stroke, take } = keyboard()
    k.down(stroke('MetaLeft'))
    k.down(stroke('KeyC'))
    take()
    k.up(stroke('MetaLeft'))
    expect(take()).toEqual(['0100002e', '0100e05b'])
  })

  it('leaves composing, and keys without a place, to the browser', () => {
    const { k, stroke, take } = keyboard()
    expect(k.down(stroke('KeyA', { isComposing: true }))).toBe('left')
    expect(k.down(stroke('KeyA', { key: 'Process' }))).toBe('left')
    expect(k.down(stroke('', { key: 'Unidentified' }))).toBe('left')
    expect(take()).toEqual([])
    k.text('é\n𝄞')
    expect(take()).toEqual([hex(textEvents('é\r𝄞'))])
    expect(hex(textEvents('𝄞'))).toBe('0201d8340200d8340201dd1e0200dd1e')
  })

  it('I21 presses a combination as one, and lifts what was down before', () => {
    const { k, stroke, take } = keyboard()
    k.down(stroke('ShiftLeft'))
    take()
    k.together(['ControlLeft', 'AltLeft', 'Delete'])
    expect(take()).toEqual(['04000000', '0101001d', '01010038', '0101e053', '0100e053', '01000038', '0100001d'])
  })

  it('I6 types a text: line breaks and tabs by their keys, once each, and nothing stays down', () => {
    const { k, stroke, take } = keyboard()
    k.down(stroke('ShiftLeft'))
    take()
    k.type('a\r\nb\tc\n')
    const tap = (key: string) => [`0101${key}`, `0100${key}`]
    const typed = (unit: string) => `0201${unit}0200${unit}`
    expect(take()).toEqual([
      '04000000',
      typed('0061'),
      ...tap('001c'),
      typed('0062'),
      ...tap('000f'),
      typed('0063'),
      ...tap('001c'),
    ])
  })

  it('I6 holds the key that pastes back until the text is on its way', () => {
    const { k, stroke, take } = keyboard()
    const v = stroke('KeyV', { key: 'v', held: ['Control'] })
    k.down(v)
    k.up(v)
    take()
    k.pastes = true
    expect(k.down(v)).toBe('pastes')
    expect(take()).toEqual([])
    k.pasted()
    expect(take()).toEqual(['0101002f'])
    k.up(v)
    expect(take()).toEqual(['0100002f'])
    k.down(v) // and the browser has nothing to paste
    k.up(v)
    expect(take()).toEqual(['0101002f', '0100002f'])
    expect(k.down(stroke('KeyV', { key: 'v', held: ['Control', 'AltGraph'] }))).toBe('sent')
    expect(k.down(stroke('Insert', { held: ['Shift'] }))).toBe('pastes')
  })
})

describe('L7 mouse', () => {
  it('loses no move before a button, and presses nothing twice', () => {
    const sent: string[] = []
    const p = new Pointer((b) => sent.push(hex(b)))
    expect(p.move({ x: 1, y: 2 })).toBe(true)
    expect(p.move({ x: 3, y: 4 })).toBe(false)
    p.button(0, true, { x: 5, y: 6 })
    p.button(2, false, { x: 5, y: 6 })
    p.flush()
    p.button(0, false, { x: 7, y: 8 })
    p.button(9, true, { x: 0, y: 0 })
    expect(sent).toEqual(['0100000500060000', '0281000500060000', '0100000700080000', '0201000700080000'])
    sent.length = 0
    p.button(3, true, { x: 1, y: 1 })
    p.release({ x: 2, y: 2 })
    expect(sent.at(-1)).toBe('0204000200020000')
  })

  it('gathers turns of the wheel into notches, in pixels, lines and pages', () => {
    const at = { x: 1, y: 1 }
    const turn = (w: Wheel, deltaY: number, deltaMode = 0, shiftKey = false, deltaX = 0): string[] =>
      w.turn({ deltaX, deltaY, deltaMode, shiftKey }, at).map(hex)
    const w = new Wheel()
    expect(turn(w, 40)).toEqual([])
    expect(turn(w, 40)).toEqual([])
    expect(turn(w, 40)).toEqual(['030000010001ff88'])
    expect(turn(w, -100)).toEqual(['0300000100010078']) // the rest the other way is forgotten
    expect(turn(new Wheel(), 6, 1)).toEqual(['030000010001ff10'])
    expect(turn(new Wheel(), -1, 2)).toEqual(['0300000100010078'])
    expect(turn(new Wheel(), 100, 0, true)).toEqual(['0400000100010078'])
    expect(turn(new Wheel(), 0, 0, false, -100)).toEqual(['040000010001ff88'])
    expect(turn(new Wheel(), Number.NaN)).toEqual([])
    expect(turn(new Wheel(), 1e9)).toEqual(['0300000100018300'])
  })
})

describe('L7 fingers', () => {
  function hand() {
    const did: string[] = []
    let timer: (() => void) | undefined
    const at = (f: Finger): string => `${f.x},${f.y}`
    const touch = new Touch(
      {
        click: (button, f) => did.push(`click ${button} ${at(f)}`),
        press: (f) => did.push(`press ${at(f)}`),
        drag: (f) => did.push(`drag ${at(f)}`),
        lift: (f) => did.push(`lift ${at(f)}`),
        turn: (t) => did.push(`turn ${t.deltaX},${t.deltaY}`),
        pinch: (times, p, by) => did.push(`pinch ${times} at ${p.x},${p.y} by ${by.x},${by.y}`),
      },
      {
        after: (_, f) => {
          timer = f
          return () => {
            timer = undefined
          }
        },
      },
    )
    return { touch, did, wait: () => timer?.() }
  }
  const f = (x: number, y: number, id = 1): Finger => ({ id, x, y })

  it('clicks with a tap, and with the right button after a while', () => {
    const { touch, did, wait } = hand()
    touch.down(f(10, 10))
    touch.move(f(14, 12))
    touch.up(f(14, 12))
    expect(did.splice(0)).toEqual(['click 0 10,10'])
    touch.down(f(5, 5))
    wait()
    touch.up(f(5, 5))
    expect(did).toEqual(['click 2 5,5'])
  })

  it('drags with one finger, and turns the wheels with two', () => {
    const { touch, did, wait } = hand()
    touch.down(f(0, 0))
    touch.move(f(20, 0))
    touch.move(f(30, 5))
    touch.up(f(30, 5))
    expect(did.splice(0)).toEqual(['press 0,0', 'drag 20,0', 'drag 30,5', 'lift 30,5'])
    touch.down(f(0, 0))
    touch.down(f(50, 0, 2))
    wait()
    touch.move(f(0, 20))
    touch.move(f(50, 20, 2))
    touch.up(f(0, 20))
    touch.move(f(50, 90, 2))
    touch.up(f(50, 90, 2))
    expect(did.splice(0)).toEqual(['turn 0,-20'])
    touch.down(f(1, 1))
    touch.cancel(f(1, 1))
    expect(did).toEqual([])
  })

  it('makes the picture larger with two fingers that spread, and does not turn the wheels', () => {
    const { touch, did } = hand()
    touch.down(f(100, 100))
    touch.down(f(140, 100, 2))
    touch.move(f(90, 100))
    touch.move(f(160, 100, 2)) // 70 apart
    touch.move(f(55, 100)) // 105 apart
    touch.move(f(160, 110, 2))
    touch.up(f(55, 100))
    touch.up(f(160, 110, 2))
    expect(did.slice(0, 2)).toEqual(['pinch 1.75 at 120,100 by 5,0', 'pinch 1.5 at 125,100 by -17.5,0'])
    expect(did).toHaveLength(3)
    expect(did[2]).toMatch(/^pinch 1.00/)
  })
})

describe('L7 where a desktop is shown', () => {
  const desktop = { width: 1024, height: 768 }
  it.each([
    [{ width: 1024, height: 768, ratio: 1 }, 100, 'fit' as const, { left: 0, top: 0, width: 1024, height: 768 }],
    [{ width: 2000, height: 1000, ratio: 1 }, 100, 'fit' as const, { left: 488, top: 116, width: 1024, height: 768 }],
    [{ width: 512, height: 768, ratio: 1 }, 100, 'fit' as const, { left: 0, top: 192, width: 512, height: 384 }],
    [{ width: 800, height: 600, ratio: 2 }, 200, 'fit' as const, { left: 144, top: 108, width: 512, height: 384 }],
    [{ width: 100, height: 100, ratio: 2 }, 100, 100, { left: 0, top: 0, width: 512, height: 384 }],
    [{ width: 1100, height: 900, ratio: 1.5 }, 100, 150, { left: 38, top: 66, width: 1024, height: 768 }],
  ])('%j at %d %s', (box, scale, zoom, want) => expect(place(desktop, box, scale, zoom)).toEqual(want))

  it('finds the pixel under a place, at any ratio, and keeps to the edge', () => {
    for (const ratio of [1, 1.25, 1.5, 2, 3]) {
      const shown = place(desktop, { width: 700, height: 500, ratio }, 100, 'fit')
      for (const [x, y] of [
        [0, 0],
        [511, 383],
        [1023, 767],
      ] as const) {
        const at = { x: shown.left + ((x + 0.5) * shown.width) / 1024, y: shown.top + ((y + 0.5) * shown.height) / 768 }
        expect(locate(at, shown, desktop)).toEqual({ x, y })
      }
      expect(locate({ x: -5, y: 9999 }, shown, desktop)).toEqual({ x: 0, y: 767 })
    }
  })

  it('is crisp where pixels fall on pixels', () => {
    expect(crisp(desktop, { left: 0, top: 0, width: 1024, height: 768 }, 1)).toBe(true)
    expect(crisp(desktop, { left: 0, top: 0, width: 1024, height: 768 }, 2)).toBe(true)
    expect(crisp(desktop, { left: 0, top: 0, width: 1024, height: 768 }, 1.5)).toBe(false)
    expect(crisp(desktop, { left: 0, top: 0, width: 512, height: 384 }, 1)).toBe(false)
  })

  it('L8 has a zoom of what is remembered, and steps between the ones there are', () => {
    for (const z of ZOOMS) expect(zoomOf(String(z))).toBe(z)
    for (const none of [undefined, '', 'fit', '99', '1e2', '-100', '250']) expect(zoomOf(none)).toBe('fit')
    expect([stepped(66.7, true), stepped(66.7, false), stepped(100, true), stepped(100, false)]).toEqual([
      75, 50, 125, 75,
    ])
    expect([stepped(200, true), stepped(500, true), stepped(50, false), stepped(10, false)]).toEqual([200, 200, 50, 50])
    expect(stepped(99.99999, true)).toBe(125)
  })

  it('is pushed by a pointer near an edge, as far as there is something beyond it', () => {
    const view = { width: 800, height: 600, left: 100, top: 0, mostLeft: 400, mostTop: 300 }
    expect(push({ x: 400, y: 300 }, view)).toEqual({ x: 0, y: 0 })
    expect(push({ x: 0, y: 0 }, view)).toEqual({ x: -24, y: 0 })
    expect(push({ x: 800, y: 584 }, view)).toEqual({ x: 24, y: 12 })
    expect(push({ x: 800, y: 300 }, { ...view, left: 390 }).x).toBe(10)
    expect(push({ x: 800, y: 300 }, { ...view, left: 399.5 }).x).toBe(0)
    expect(push({ x: 810, y: 300 }, view)).toEqual({ x: 0, y: 0 })
  })

  it('wants an even width, within the limits', () => {
    expect(wanted({ width: 641, height: 481, ratio: 1 }, 100)).toEqual({ width: 640, height: 481 })
    expect(wanted({ width: 641, height: 481, ratio: 2 }, 200)).toEqual({ width: 1282, height: 962 })
    expect(wanted({ width: 10, height: 99_999, ratio: 1 }, 100)).toEqual({ width: 200, height: 8192 })
  })

  it('L3 follows the launch parameters', () => {
    expect(deskLook({}, 'x')).toEqual({ fits: true, scale: 100, label: 'x' })
    expect(deskLook({ resolution: '1024x768', scale: '150' }, 'x')).toEqual({ fits: false, scale: 150, label: 'x' })
    expect(deskLook({ scale: '9999' }, 'x').scale).toBe(100)
  })
})

describe('S08 pointers of the target', () => {
  const shape = Uint8Array.of(3, 0, 1, 0, 0, 0, 2, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8)
  it('reads what is one, and nothing else', () => {
    expect(parseCursor(Uint8Array.of(1))).toEqual({ kind: 'system' })
    expect(parseCursor(Uint8Array.of(2))).toEqual({ kind: 'hidden' })
    expect(parseCursor(Uint8Array.of(4, 1, 0, 0, 9))).toEqual({ kind: 'moved', x: 256, y: 9 })
    expect(parseCursor(shape)).toMatchObject({ kind: 'shape', hotX: 1, hotY: 0, width: 2, height: 1 })
    for (let n = 0; n < shape.length; n++) expect(parseCursor(shape.subarray(0, n))).toBeUndefined()
    expect(parseCursor(Uint8Array.of(9))).toBeUndefined()
    expect(parseCursor(Uint8Array.of(3, 0, 2, 0, 0, 0, 2, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8))).toBeUndefined()
  })

  it('is a style that a browser takes', () => {
    const c = parseCursor(shape) as Cursor
    const draw = (_: Uint8Array, w: number, h: number, to: { width: number; height: number }): string =>
      `p-${w}x${h}-${to.width}x${to.height}`
    expect(cursorStyle(c, 2, draw)).toBe('url(p-2x1-4x2) 2 0, default')
    expect(cursorStyle(c, 100, draw)).toBe('crosshair')
    expect(cursorStyle(c, 0.1, draw)).toBe('default')
    expect(cursorStyle({ kind: 'hidden' }, 1, draw)).toBe('none')
    expect(cursorStyle({ kind: 'moved', x: 1, y: 1 }, 1, draw)).toBeUndefined()
  })
})
