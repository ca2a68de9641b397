import { describe, expect, it } from 'vitest'
import { countdown, type Expiry, ExpiryWatch, laterEnds, parseExpiry } from '../../src/core/expiry.js'
import { parseState } from '../../src/core/types.js'
import { TestClock } from './clock.js'

const start = Date.parse('2026-03-01T12:00:00Z')
const minute = 60_000

function ending(minutes: number, more: Partial<Expiry> = {}): Expiry {
  return {
    at: start + minutes * minute,
    left: minutes * minute,
    extend: '',
    to: Number.NaN,
    latest: Number.NaN,
    request: '',
    ...more,
  }
}

describe('the end of an approved time', () => {
  it('I2 I3 is read from the state message, by the gateway’s clock', () => {
    const state = (expires: unknown) => parseState(JSON.stringify({ now: '2026-03-01T12:00:00Z', expires }))?.expires
    expect(state({ at: '2026-03-01T12:30:00Z', extend: 'request', latest: '2026-03-01T18:00:00Z' })).toMatchObject({
      left: 30 * minute,
      extend: 'request',
      latest: start + 360 * minute,
    })
    expect(state({ at: '2026-03-01T11:30:00Z' })).toMatchObject({ left: 0, extend: '' })
    for (const odd of [undefined, null, 7, 'soon', {}, { at: 'soon' }, { at: 5 }, []])
      expect(state(odd)).toBeUndefined()
    expect(parseExpiry({ at: '2026-03-01T12:30:00Z', extend: 'please' }, '2026-03-01T12:00:00Z')?.extend).toBe('')
    expect(parseExpiry({ at: '2026-03-01T12:30:00Z' }, 'never')).toBeUndefined()
  })

  it('I2 counts in hours, minutes and seconds, to zero at the end and not before', () => {
    const shown = [0, 1, 999, 1000, 61_000, 3_599_001, 3_600_000, 86_400_000, -5].map(countdown)
    expect(shown).toEqual([
      '0:00:00',
      '0:00:01',
      '0:00:01',
      '0:00:01',
      '0:01:01',
      '1:00:00',
      '1:00:00',
      '24:00:00',
      '0:00:00',
    ])
  })

  it('I2 warns at 15 and 5 minutes, and takes it back when the end moves', () => {
    const clock = new TestClock()
    const said: (number | undefined)[] = []
    const watch = new ExpiryWatch(clock, (m) => said.push(m))
    watch.follow(ending(30))
    clock.pass(15 * minute - 1)
    expect(said).toEqual([])
    clock.pass(1)
    expect(said).toEqual([15])
    watch.follow(ending(30, { left: 14 * minute })) // the same end, told again
    clock.pass(10 * minute)
    expect(said).toEqual([15, 5])
    expect(watch.left).toBe(5 * minute)
    watch.follow({ ...ending(60), left: 35 * minute })
    expect(said).toEqual([15, 5, undefined])
    clock.pass(20 * minute)
    expect(said).toEqual([15, 5, undefined, 15])
    watch.follow(undefined)
    expect(said.at(-1)).toBeUndefined()
    expect(watch.left).toBeUndefined()
    expect(clock.pending).toBe(0)
  })

  it('I2 a session that is opened late is warned at once, and nothing is left running', () => {
    const clock = new TestClock()
    const said: (number | undefined)[] = []
    const watch = new ExpiryWatch(clock, (m) => said.push(m))
    watch.follow(ending(4))
    expect(said).toEqual([4])
    clock.pass(5 * minute)
    expect(watch.left).toBe(0)
    expect(said).toEqual([4])
    expect(clock.pending).toBe(0)
  })

  it('I4 offers ends up to the latest one', () => {
    const offered = (latest: number) => laterEnds(ending(30, { latest: start + latest * minute })).map((c) => c.minutes)
    expect(offered(600)).toEqual([15, 30, 60, 0])
    expect(offered(50)).toEqual([15, 0])
    expect(offered(40)).toEqual([0])
    expect(offered(30)).toEqual([])
    expect(laterEnds(ending(30)).length).toBe(0)
  })
})
