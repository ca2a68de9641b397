import { describe, expect, it } from 'vitest'
import { Player, parseRecording, parseSegment, type Stage } from '../../src/core/player.js'
import { TestClock } from './clock.js'

const decode = (b: Uint8Array): string => new TextDecoder().decode(b)

/** A segment of terminal output: times with texts, and flags. */
function segment(...entries: [number, string, number?][]): Uint8Array {
  const parts = entries.map(([at, text, flags]) => {
    const data = new TextEncoder().encode(text)
    const head = new DataView(new ArrayBuffer(12))
    head.setUint8(0, 1)
    head.setUint8(1, 0x10)
    head.setUint8(2, flags ?? 0)
    head.setUint32(4, at)
    head.setUint32(8, data.length)
    return [...new Uint8Array(head.buffer), ...data]
  })
  return Uint8Array.from([...parts.flat(), ...new Array<number>(12).fill(0)])
}

const settled = async (): Promise<void> => {
  for (let i = 0; i < 50; i++) await Promise.resolve()
}

/** A player of three segments, the last of which begins with a key frame. */
function setUp(...last: [number, string, number?][]) {
  const segments = [
    segment([0, 'a'], [1000, 'b']),
    segment([2000, 'c'], [9000, 'd']),
    segment(
      ...(last.length > 0
        ? last
        : ([
            [10_000, 'e'],
            [11_000, 'f'],
          ] as [number, string][])),
    ),
  ]
  const rec = parseRecording(
    JSON.stringify({
      session: { protocol: 'ssh' },
      state: 'valid-complete',
      duration_ms: 11_000,
      segments: [{ at_ms: 0 }, { at_ms: 2000 }, { at_ms: 10_000, key: true }],
    }),
  )
  if (!rec) throw new Error('no recording')
  const clock = new TestClock()
  let shown = ''
  const stage: Stage = {
    write: async (f) => {
      shown += decode(f.payload)
    },
    reset: async () => {
      shown = ''
    },
    resize: () => {},
  }
  const load = async (n: number) => segments[n] ?? new Uint8Array(0)
  const player = new Player(rec, { load, decode, stage, clock, changed: () => {} })
  return { player, clock, shown: () => shown }
}

describe('the player', () => {
  it('R2 shows the picture of a time from the key frame before it; the newest seek counts', async () => {
    const { player, shown } = setUp()
    player.seek(11_000)
    await settled()
    expect(shown()).toBe('ef')
    player.seek(0)
    player.seek(2500)
    await settled()
    expect(shown()).toBe('abc')
    expect(player.position).toBe(2500)
    player.seek(9500) // forward, with no key frame in between: what is there goes on
    await settled()
    expect(shown()).toBe('abcd')
  })

  it('R2 takes a repetition to begin with, and leaves it out where it has drawn what is repeated', async () => {
    const { player, shown } = setUp(
      [10_000, 'ab', 5],
      [10_000, 'cd', 4],
      [10_500, 'e'],
      [10_700, 'abcde', 5],
      [11_000, 'f'],
    )
    player.seek(11_000)
    await settled()
    expect(shown()).toBe('abcdef')
    player.seek(9500)
    await settled()
    expect(shown()).toBe('abcd')
  })

  it('R2 comes by a repetition while it plays', async () => {
    const { player, clock, shown } = setUp([10_000, 'abcd', 5], [10_000, 'e'], [11_000, 'f'])
    player.setSkipIdle(false)
    player.play()
    await settled()
    for (let i = 0; i < 11; i++) {
      clock.pass(1000)
      await settled()
    }
    expect(shown()).toBe('abcdef')
  })

  it('R2 tells where the pointer is, and believes no place that is none', () => {
    const record = (kind: number, data: string): number[] => {
      const bytes = [...new TextEncoder().encode(data)]
      return [kind, 0, 4, 0, 0, 0, 0, 7, 0, 0, 0, bytes.length, ...bytes]
    }
    const bad = ['{}', '{"x":1}', '{"x":-1,"y":2}', '{"x":65536,"y":2}', '{"x":"1","y":2}', '[1,2]', 'x']
    const all = [...bad.map((d) => record(2, d)), record(2, '{"kind":"pointer","x":3,"y":65535}'), record(0, '')]
    expect(parseSegment(Uint8Array.from(all.flat()), decode)).toEqual([
      { kind: 'pointer', at: 7, place: { x: 3, y: 65535 }, again: true },
    ])
  })

  it('R2 plays by the clock, at its speed, and leaves out idle times if that is wanted', async () => {
    const { player, clock, shown } = setUp()
    player.setSkipIdle(false)
    player.setSpeed(2)
    player.play()
    await settled()
    expect(shown()).toBe('a')
    clock.pass(500)
    await settled()
    expect(shown()).toBe('ab')
    clock.pass(500)
    await settled()
    expect(shown()).toBe('abc')
    player.setSkipIdle(true)
    await settled()
    clock.pass(250) // half a second is left of seven
    await settled()
    expect(shown()).toBe('abcd')
    player.pause()
    const at = player.position
    clock.pass(10_000)
    expect(player.position).toBe(at)
  })

  it('S44 takes no segment that is not whole', () => {
    const whole = segment([0, 'a'])
    expect(parseSegment(whole, decode)).toHaveLength(1)
    for (let n = 0; n < whole.length; n++) expect(() => parseSegment(whole.subarray(0, n), decode)).toThrow()
  })
})
