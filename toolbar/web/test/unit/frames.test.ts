import { describe, expect, it } from 'vitest'
import { Frames } from '../../src/screen/core/frames.js'

/** Payloads of one present each, by when they come, drawn one after the other from a time on, each of which takes so long. */
function run(frames: Frames, come: number[], from: number, each: number): number {
  const begins = come.map((at) => frames.came(1, at))
  let now = from
  for (const b of begins) {
    if (b) frames.next()
    now += each
    if (frames.due(now)) frames.done(now)
  }
  return now
}

describe('I7 frames shown and dropped', () => {
  it('a screen that comes in hundreds of parts is few frames, and none of them is dropped', () => {
    const frames = new Frames()
    const parts = Array.from({ length: 300 }, (_, i) => 1000 + i / 20) // in 15 ms
    run(frames, parts, 1015, 0.07)
    expect(frames.dropped).toBe(0)
    expect(frames.shown).toBe(3) // the first part, one after 16 ms, and all
  })

  it('frames that are drawn as they come are all shown', () => {
    const frames = new Frames()
    for (let i = 0; i < 30; i++) run(frames, [1000 + i * 33], 1000 + i * 33, 5)
    expect([frames.shown, frames.dropped]).toEqual([30, 0])
  })

  it('frames that come faster than they are decoded are dropped: shown and dropped are all', () => {
    const frames = new Frames()
    const come = Array.from({ length: 60 }, (_, i) => 1000 + i * 17) // a second of them, which wait
    run(frames, come, 2003, 4)
    expect(frames.shown).toBeLessThan(20)
    expect(frames.shown + frames.dropped).toBe(60)
  })

  it('what comes after a pause is a frame of its own, and a payload without a present is none', () => {
    const frames = new Frames()
    expect(frames.came(0, 1000)).toBe(false)
    expect(frames.came(2, 1001)).toBe(true)
    expect(frames.came(1, 1010)).toBe(false)
    expect(frames.came(1, 1017)).toBe(true)
  })

  it('the last present is always shown', () => {
    const frames = new Frames()
    frames.came(3, 0)
    frames.next()
    expect(frames.due(1)).toBe(true) // the first one ever
    frames.done(1)
    expect(frames.due(2)).toBe(false)
    expect(frames.due(3)).toBe(true)
  })
})
