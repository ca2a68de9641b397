import { describe, expect, it } from 'vitest'
import { BELL_PAUSE, Bell } from '../../src/core/bell.js'
import { TestClock } from './clock.js'

describe('T8 the bell', () => {
  it('T8 is noticed at most once a second, however often it rings', () => {
    const clock = new TestClock()
    const bell = new Bell(clock)
    let noticed = 0
    for (let i = 0; i < 5000; i++) {
      if (bell.ring()) noticed++
      clock.pass(1)
    }
    expect(noticed).toBe(5)
    clock.pass(BELL_PAUSE)
    expect(bell.ring()).toBe(true)
    expect(bell.ring()).toBe(false)
  })
})
