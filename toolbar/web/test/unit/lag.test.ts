import { describe, expect, it } from 'vitest'
import { Lag, presses } from '../../src/core/lag.js'
import { Probe } from '../../src/core/probe.js'
import {
  buttonEvent,
  joined,
  keyEvent,
  locksEvent,
  moveEvent,
  releaseEvent,
  textEvents,
  wheelEvent,
} from '../../src/desk/events.js'
import { TestClock } from './clock.js'

function world() {
  const clock = new TestClock()
  const asked: Uint8Array[] = []
  const probe = new Probe(clock, (payload) => asked.push(payload) > 0)
  const lag = new Lag(clock, () => probe.now())
  probe.run(true)
  const answer = (): void => lag.answered(probe.answered(asked.at(-1) ?? new Uint8Array()))
  answer()
  clock.pass(300)
  return { clock, asked, probe, lag, answer }
}

describe('I7 input to picture', () => {
  it('is the time to the first drawn picture that the gateway sent later', () => {
    const { clock, asked, lag, answer } = world()
    lag.run(true)
    expect(lag.ms).toBeUndefined()
    lag.pressed()
    expect(asked).toHaveLength(2)
    clock.pass(10)
    expect(lag.picture()).toBeUndefined() // it was on its way already
    clock.pass(14)
    answer()
    clock.pass(11)
    const drawn = lag.picture()
    expect(lag.picture()).toBeUndefined() // only the first one
    clock.pass(6)
    expect(lag.ms).toBeUndefined() // it is not drawn yet
    drawn?.()
    expect(lag.ms).toBe(41)
  })

  it('is not measured twice at a time, nor sooner after a probe than the gateway answers', () => {
    const { clock, asked, lag, answer } = world()
    lag.run(true)
    lag.pressed()
    clock.pass(5)
    lag.pressed()
    answer()
    lag.picture()?.()
    expect(lag.ms).toBe(5)
    lag.pressed()
    expect(asked).toHaveLength(2)
    clock.pass(250)
    lag.pressed()
    expect(asked).toHaveLength(3)
  })

  it('tells the middle of the last five, so that one that changed nothing does not count', () => {
    const { clock, lag, answer } = world()
    lag.run(true)
    const told = [100, 900, 20, 30, 40, 50, 60].map((n) => {
      lag.pressed()
      answer()
      const drawn = lag.picture()
      clock.pass(n)
      drawn?.()
      clock.pass(300)
      answer() // to the probe in turn, if there was one meanwhile
      clock.pass(300)
      return lag.ms
    })
    expect(told).toEqual([100, 100, 100, 30, 40, 40, 40])
  })

  it('gives up an input that changes nothing', () => {
    const { clock, lag, answer } = world()
    lag.run(true)
    lag.pressed()
    clock.pass(5)
    answer()
    clock.pass(2000)
    expect(lag.picture()).toBeUndefined()
    clock.pass(300)
    answer()
    clock.pass(300)
    lag.pressed()
    clock.pass(7)
    answer()
    lag.picture()?.()
    expect(lag.ms).toBe(7)
  })

  it('asks nothing while nobody wants to know, and forgets with the connection', () => {
    const { clock, asked, lag, answer, probe } = world()
    lag.pressed()
    expect(asked).toHaveLength(1)
    lag.run(true)
    lag.pressed()
    answer()
    const drawn = lag.picture()
    lag.run(false)
    drawn?.()
    expect(lag.ms).toBeUndefined()
    clock.pass(300)
    lag.run(true)
    lag.pressed()
    probe.lost()
    lag.lost()
    answer()
    expect(lag.picture()).toBeUndefined()
  })
})

describe('I7 inputs that are measured', () => {
  const at = { x: 1, y: 2 }
  it.each([
    ['a key that goes down', 'key', keyEvent(30, true), true],
    ['a key that is lifted', 'key', keyEvent(30, false), false],
    ['a text', 'key', textEvents('é'), true],
    ['the locks', 'key', locksEvent({ scroll: true, num: false, caps: false }), false],
    ['all keys lifted', 'key', releaseEvent(), false],
    ['a button that is pressed after a move', 'pointer', joined([moveEvent(at), buttonEvent(1, true, at)]), true],
    ['a button that is lifted', 'pointer', buttonEvent(1, false, at), false],
    ['a move', 'pointer', moveEvent(at), false],
    ['a wheel', 'pointer', wheelEvent(false, -120, at), true],
    ['nothing', 'pointer', new Uint8Array(), false],
    ['a part of an event', 'key', Uint8Array.of(1, 1), false],
  ] as const)('%s', (_, kind, events, want) => {
    expect(presses(kind, events)).toBe(want)
  })
})
