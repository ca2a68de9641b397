import { describe, expect, it } from 'vitest'
import { Probe } from '../../src/core/probe.js'
import { TestClock } from './clock.js'

function world(able = () => true) {
  const clock = new TestClock()
  const asked: Uint8Array[] = []
  const probe = new Probe(clock, (payload) => {
    if (able()) asked.push(payload)
    return able()
  })
  return { clock, asked, probe }
}

describe('I7 the way to the gateway', () => {
  it('is measured once a second, while somebody wants to know', () => {
    const { clock, asked, probe } = world()
    clock.pass(5000)
    expect(asked).toHaveLength(0)
    probe.run(true)
    probe.run(true)
    expect(probe.trip).toBeUndefined()
    for (let n = 1; n <= 5; n++) {
      expect(asked).toHaveLength(n)
      clock.pass(20 + n)
      probe.answered(asked[n - 1] ?? new Uint8Array())
      expect(probe.trip).toBe(20 + n)
      clock.pass(1000 - 20 - n)
    }
    probe.run(false)
    clock.pass(5000)
    expect(asked).toHaveLength(6)
    expect(probe.trip).toBeUndefined()
  })

  it('has one question on its way, and counts what is waited for', () => {
    const { clock, asked, probe } = world()
    probe.run(true)
    clock.pass(3500)
    expect(asked).toHaveLength(1)
    expect(probe.trip).toBe(3500)
    probe.answered(asked[0] ?? new Uint8Array())
    expect(probe.trip).toBe(3500)
    clock.pass(500)
    expect(asked).toHaveLength(2)
  })

  it('asks out of turn if somebody has a reason, but never close to another question', () => {
    const { clock, asked, probe } = world()
    expect(probe.now()).toBeUndefined() // it does not run
    probe.run(true)
    expect(probe.now()).toBeUndefined() // one is on its way
    clock.pass(20)
    expect(probe.answered(asked[0] ?? new Uint8Array())).toBe(1)
    expect(probe.now()).toBeUndefined()
    clock.pass(230)
    expect(probe.now()).toBe(2)
    clock.pass(30)
    expect(probe.answered(asked[1] ?? new Uint8Array())).toBe(2)
    expect(probe.trip).toBe(30)
    clock.pass(969)
    expect(asked).toHaveLength(2)
    clock.pass(1)
    expect(asked).toHaveLength(3)
  })

  it('asks again if a question is never answered', () => {
    const { clock, asked, probe } = world()
    probe.run(true)
    clock.pass(9999)
    expect(asked).toHaveLength(1)
    clock.pass(1)
    expect(asked).toHaveLength(2)
    expect(probe.answered(asked[0] ?? new Uint8Array())).toBeUndefined()
    clock.pass(12)
    expect(probe.answered(asked[1] ?? new Uint8Array())).toBe(2)
    expect(probe.trip).toBe(12)
  })

  it('takes no answer but to the last question', () => {
    const { clock, asked, probe } = world()
    probe.run(true)
    clock.pass(10)
    probe.answered(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 9))
    probe.answered(new Uint8Array(3))
    expect(probe.trip).toBeUndefined()
    probe.lost() // another connection
    clock.pass(1000)
    expect(asked).toHaveLength(2)
    probe.answered(asked[0] ?? new Uint8Array())
    expect(probe.trip).toBeUndefined()
    probe.answered(asked[1] ?? new Uint8Array())
    expect(probe.trip).toBe(10)
  })

  it('waits for a connection', () => {
    let live = false
    const { clock, asked, probe } = world(() => live)
    probe.run(true)
    clock.pass(2000)
    live = true
    clock.pass(1000)
    expect(asked).toHaveLength(1)
  })
})
