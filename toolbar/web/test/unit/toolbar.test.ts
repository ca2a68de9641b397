import { describe, expect, it } from 'vitest'
import { AutoClose } from '../../src/core/autoclose.js'
import { Chord } from '../../src/core/chord.js'
import { TestClock } from './clock.js'

function toolbar() {
  const clock = new TestClock()
  const seen = { closed: 0 }
  const auto = new AutoClose(clock, () => {
    seen.closed++
    auto.closed()
  })
  return { clock, auto, seen }
}

describe('auto close', () => {
  it('T2 closes after 5 s if the pointer never enters', () => {
    const { clock, auto, seen } = toolbar()
    auto.opened()
    clock.pass(4999)
    expect(seen.closed).toBe(0)
    clock.pass(1)
    expect(seen.closed).toBe(1)
    expect(clock.pending).toBe(0)
  })

  it('T3 stays while it is in use and closes 5 s after the last use', () => {
    const { clock, auto, seen } = toolbar()
    auto.opened()
    clock.pass(4000)
    auto.use('pointer', true)
    clock.pass(60_000)
    auto.use('focus', true)
    auto.use('pointer', false)
    clock.pass(60_000)
    auto.use('panel', true)
    auto.use('focus', false)
    clock.pass(60_000)
    expect(seen.closed).toBe(0)
    auto.use('panel', false)
    clock.pass(4999)
    expect(seen.closed).toBe(0)
    clock.pass(1)
    expect(seen.closed).toBe(1)
  })

  it('T3 begins the 5 s anew at every return', () => {
    const { clock, auto, seen } = toolbar()
    auto.opened()
    for (let i = 0; i < 10; i++) {
      auto.use('pointer', true)
      auto.use('pointer', false)
      clock.pass(4000)
    }
    expect(seen.closed).toBe(0)
    clock.pass(1000)
    expect(seen.closed).toBe(1)
  })

  it('T4 works the same every time it is opened', () => {
    const { clock, auto, seen } = toolbar()
    for (let i = 1; i <= 5; i++) {
      auto.opened()
      auto.use('pointer', true) // a use that never ends does not hold the next opening
      auto.closed()
      clock.pass(10_000)
      auto.opened()
      clock.pass(5000)
      expect(seen.closed).toBe(i)
    }
  })
})

describe('the chord', () => {
  const play = (...keys: string[]): boolean[] => {
    const chord = new Chord()
    return keys.flatMap((k) => {
      const e = { code: k.slice(1) }
      if (k.startsWith('+')) {
        chord.down(e)
        return []
      }
      return [chord.up(e)]
    })
  }

  it('T1 opens on the release of left Ctrl, left Alt and Shift, in any order, once', () => {
    expect(play('+ControlLeft', '+AltLeft', '+ShiftLeft', '-ShiftLeft', '-AltLeft', '-ControlLeft')).toEqual([
      true,
      false,
      false,
    ])
    expect(play('+ShiftRight', '+ControlLeft', '+AltLeft', '-ControlLeft', '-AltLeft', '-ShiftRight')).toEqual([
      true,
      false,
      false,
    ])
    expect(play('+AltLeft', '+ShiftLeft', '+ControlLeft', '+ControlLeft', '-AltLeft')).toEqual([true])
  })

  it('T1 leaves combinations with another key to the target', () => {
    expect(
      play('+ControlLeft', '+AltLeft', '+ShiftLeft', '+KeyT', '-KeyT', '-ShiftLeft', '-AltLeft', '-ControlLeft'),
    ).not.toContain(true)
    expect(play('+KeyA', '+ControlLeft', '+AltLeft', '+ShiftLeft', '-ShiftLeft')).not.toContain(true)
  })

  it('tells of a key on top of it, once, and of none with another beside it', () => {
    const chord = new Chord()
    const down = (...all: string[]) => all.map((code) => chord.down({ code }))
    expect(down('ControlLeft', 'KeyS', 'AltLeft', 'ShiftLeft')).toEqual([false, false, false, false])
    expect(down('KeyT')).toEqual([false])
    chord.reset()
    expect(down('ShiftLeft', 'AltLeft', 'ControlLeft', 'KeyS', 'KeyS', 'KeyT')).toEqual([
      false,
      false,
      false,
      true,
      false,
      false,
    ])
    chord.reset()
    expect(down('ShiftLeft', 'AltRight', 'ControlLeft', 'KeyS')).not.toContain(true)
  })

  it('T1 leaves AltGr alone, also where it is reported with a left Ctrl', () => {
    expect(play('+ControlLeft', '+AltRight', '+ShiftLeft', '-ShiftLeft', '-AltRight', '-ControlLeft')).not.toContain(
      true,
    )
    expect(play('+ControlLeft', '+AltRight', '+AltLeft', '+ShiftLeft', '-ShiftLeft')).not.toContain(true)
    expect(play('+ControlRight', '+AltLeft', '+ShiftLeft', '-ShiftLeft')).not.toContain(true)
  })

  it('T1 needs all three, and works again after all keys are up', () => {
    expect(play('+ControlLeft', '+AltLeft', '-AltLeft', '-ControlLeft')).not.toContain(true)
    const twice = ['+ControlLeft', '+AltLeft', '+ShiftLeft', '-ShiftLeft', '-AltLeft', '-ControlLeft']
    expect(play('+KeyA', '-KeyA', ...twice, ...twice).filter(Boolean).length).toBe(2)
  })

  it('forgets keys whose release it may have missed', () => {
    const chord = new Chord()
    chord.down({ code: 'ControlLeft' })
    chord.down({ code: 'AltLeft' })
    chord.reset()
    chord.down({ code: 'ShiftLeft' })
    expect(chord.up({ code: 'ShiftLeft' })).toBe(false)
  })
})
