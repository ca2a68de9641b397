import { describe, expect, it } from 'vitest'
import { rates } from '../../src/core/rates.js'

describe('I7 rates', () => {
  it('are of the time between two counts', () => {
    const got = rates(
      { at: 1000, received: 100, picture: { frames: 10, dropped: 1, decodeMs: 50, codecs: { raw: 9, planar: 3 } } },
      {
        at: 3000,
        received: 4100,
        picture: { frames: 50, dropped: 11, decodeMs: 150, codecs: { raw: 9, planar: 5, remotefx: 80 } },
      },
    )
    expect(got).toEqual({
      received: 2000,
      picture: { frames: 20, dropped: 11, decodeMs: 2, codecs: ['remotefx', 'planar'] },
    })
  })

  it('of a picture that stands still are none, and a terminal has no picture', () => {
    const picture = { frames: 10, dropped: 1, decodeMs: 50, codecs: { raw: 9 } }
    expect(rates({ at: 0, received: 7, picture }, { at: 1000, received: 7, picture })).toEqual({
      received: 0,
      picture: { frames: 0, dropped: 1, decodeMs: undefined, codecs: [] },
    })
    expect(rates({ at: 0, received: 7 }, { at: 500, received: 8 })).toEqual({ received: 2 })
    expect(rates({ at: 5, received: 0 }, { at: 5, received: 8 }).received).toBe(8000)
  })
})
