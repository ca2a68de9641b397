import { describe, expect, it } from 'vitest'
import { parseAccess } from '../../src/core/launch.js'
import { checkTime, isOpen, parseRequest, parseRequests, quickTimes } from '../../src/core/request.js'

const whole = {
  id: 'r1',
  revision: 3,
  operation: 'session.extend',
  asset: { id: 'a', name: 'A' },
  user_name: 'Anna',
  state: 'pending',
  level: 1,
  levels: [{ name: 'Owners', required: 1, votes: [{ name: 'Mia', at: '2026-01-01T00:00:00Z', approve: true }] }],
  terms: 'ff',
  capabilities: { keyboard: 'allow', file_delete: 'deny' },
  may: { decide: true },
}

describe('Q5 requests are read', () => {
  it('Q5 as the gateway tells them, and nothing that is missing is a right', () => {
    const r = parseRequest(JSON.stringify(whole))
    expect(r).toMatchObject({
      id: 'r1',
      revision: 3,
      operation: 'session.extend',
      level: 1,
      terms: 'ff',
      may: { decide: true, withdraw: false },
    })
    expect(r?.rights).toEqual({ keyboard: 'allow' })
    expect(r?.levels[0]?.votes[0]).toMatchObject({ name: 'Mia', approve: true, note: '' })
    expect(r && isOpen(r)).toBe(true)
  })

  it.each(['', 'null', '[]', '{}', '{"id":"x"}', '{"id":"x","state":"of_the_future"}'])('Q5 not %j', (text) => {
    expect(parseRequest(text)).toBeUndefined()
  })

  it('Q5 a list leaves out what it cannot read', () => {
    expect(parseRequests(JSON.stringify({ requests: [whole, null, {}, 7] })).length).toBe(1)
    expect(parseRequests('{"requests":7}')).toEqual([])
  })
})

describe('Q4 what is asked for', () => {
  const hour = 3600
  it.each([
    [0, hour * 1000, undefined],
    [-9e6, 1000, undefined], // what is over already is not counted
    [0, hour * 1000 + 1, 'too_long'],
    [1000, 1000, 'bad_time'],
    [-2000, -1000, 'bad_time'],
    [Number.NaN, 1000, 'bad_time'],
    [0, Number.NaN, 'bad_time'],
  ])('Q4 from %d to %d: %s', (from, to, want) => {
    expect(checkTime(from, to, 0, hour)).toBe(want)
  })

  it('Q4 quick times are no longer than may be', () => {
    expect(quickTimes(4 * hour)).toEqual([1800, 3600, 7200, 4 * hour])
    expect(quickTimes(24 * hour)).toEqual([1800, 3600, 7200, 4 * hour, 24 * hour])
    expect(quickTimes(600)).toEqual([600])
  })

  it('Q4 the workflow of an access answer, with the strictest reading of what is unknown', () => {
    const access = (workflow: unknown) => parseAccess(JSON.stringify({ asset: {}, code: 'request_required', workflow }))
    expect(access({ levels: [{ name: 'L', required: 2 }], longest_seconds: 600, ticket: true })?.workflow).toEqual({
      name: '',
      levels: [{ name: 'L', required: 2 }],
      longest: 600,
      ticket: true,
      exclusive: 'unavailable',
      once: false,
    })
    expect(access(7)?.workflow).toBeUndefined()
  })
})
