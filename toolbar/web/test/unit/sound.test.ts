import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { Mixer, ROOM } from '../../src/sound/core/mixer.js'
import { parsePiece, planes } from '../../src/sound/core/piece.js'
import { Resampler } from '../../src/sound/core/resampler.js'
import { Ring } from '../../src/sound/core/ring.js'

function payload(rate: number, channels: number, lost: number, samples: readonly number[]): Uint8Array {
  const b = new Uint8Array(9 + 2 * samples.length)
  const view = new DataView(b.buffer)
  view.setUint32(0, rate)
  view.setUint8(4, channels)
  view.setUint32(5, lost)
  for (const [i, s] of samples.entries()) view.setInt16(9 + 2 * i, s, true)
  return b
}

const sine = (n: number, rate: number, hertz: number): Float32Array =>
  Float32Array.from({ length: n }, (_, i) => Math.sin((2 * Math.PI * hertz * i) / rate))

const ramp = (n: number, from = 1): Float32Array => Float32Array.from({ length: n }, (_, i) => from + i)

function pull(ring: Ring, n: number): number[] {
  const left = new Float32Array(n).fill(9)
  ring.pull(left, new Float32Array(n))
  return [...left]
}

describe('a piece of sound', () => {
  it('is read as it was declared', () => {
    const piece = parsePiece(payload(44_100, 2, 7, [0, -0x8000, 0x4000, 0x7fff]))
    if (!piece) throw new Error('refused')
    expect([piece.rate, piece.channels, piece.lost]).toEqual([44_100, 2, 7])
    const [left, right] = planes(piece)
    expect([...left]).toEqual([0, 0.5])
    expect([...right]).toEqual([-1, 0x7fff / 0x8000])
  })

  it('of one channel is for both ears', () => {
    const piece = parsePiece(payload(8000, 1, 0, [0x4000, -0x4000]))
    if (!piece) throw new Error('refused')
    const [left, right] = planes(piece)
    expect([...left]).toEqual([0.5, -0.5])
    expect(right).toBe(left)
  })

  it('is read wherever it lies in its message', () => {
    const whole = new Uint8Array(1 + 13 + 1)
    whole.set(payload(48_000, 2, 0, [1, 2]), 1)
    expect(parsePiece(whole.subarray(1, 14))?.samples.length).toBe(4)
  })

  it.each([
    ['nothing', new Uint8Array(0)],
    ['a head cut short', payload(44_100, 2, 0, []).subarray(0, 8)],
    ['no channel', payload(44_100, 0, 0, [])],
    ['three channels', payload(44_100, 3, 0, [1, 2, 3])],
    ['255 channels', payload(44_100, 255, 0, [])],
    ['no rate', payload(0, 2, 0, [1, 2])],
    ['a rate below those that are played', payload(7999, 2, 0, [1, 2])],
    ['a rate beyond them', payload(48_001, 2, 0, [1, 2])],
    ['the greatest rate', payload(0xffffffff, 1, 0, [1])],
    ['half a sample', payload(44_100, 1, 0, [1]).subarray(0, 10)],
    ['one ear’s sample', payload(44_100, 2, 0, [1, 2, 3])],
  ])('S22 is refused with %s', (_, bytes) => {
    expect(parsePiece(bytes)).toBeUndefined()
  })

  it('S22 says of what was lost no more than a minute', () => {
    expect(parsePiece(payload(44_100, 2, 0xffffffff, []))?.lost).toBe(60_000)
  })
})

// The payloads that the gateway's tests write as well.
interface Vector {
  name: string
  rate?: number
  channels?: number
  lost?: number
  samples?: string
  payload: string
  refused?: boolean
}
const vectors = JSON.parse(
  readFileSync(new URL('../../../../rdp/testdata/sounds.json', import.meta.url), 'utf8'),
) as Vector[]
const raw = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'))

describe('golden payloads of sound', () => {
  it('has those that are played, and those that are refused', () => {
    expect(vectors.filter((v) => v.refused).length).toBeGreaterThan(5)
    expect(vectors.filter((v) => !v.refused).length).toBeGreaterThan(5)
  })

  it.each(vectors.map((v) => [v.name, v] as const))('%s', (_, v) => {
    const piece = parsePiece(raw(v.payload))
    const read = piece && { ...piece, samples: Buffer.from(piece.samples).toString('hex') }
    const { rate, channels, lost = 0, samples } = v
    expect(read).toEqual(v.refused ? undefined : { rate, channels, lost: Math.min(60_000, lost), samples })
  })

  it('S09 S22 changed at random, cut short or grown, is read as the protocol says or refused, and never throws', () => {
    let state = 7
    const random = (n: number): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0
      return (state >>> 8) % n
    }
    const mixer = new Mixer(48_000)
    let [read, refused] = [0, 0]
    const check = (b: Uint8Array): void => {
      const rate = b.length < 4 ? 0 : Buffer.from(b).readUInt32BE(0)
      const channels = b[4] ?? 0
      const valid =
        b.length >= 9 &&
        rate >= 8000 &&
        rate <= 48_000 &&
        (channels === 1 || channels === 2) &&
        (b.length - 9) % (2 * channels) === 0
      const piece = parsePiece(b)
      expect(piece !== undefined, Buffer.from(b).toString('hex').slice(0, 80)).toBe(valid)
      if (piece) {
        expect(piece.lost).toBeLessThanOrEqual(60_000)
        for (const plane of planes(piece)) {
          expect(plane.length).toBe((b.length - 9) / (2 * channels))
          expect(plane.every((s) => s >= -1 && s < 1)).toBe(true)
        }
        read++
      } else refused++
      mixer.push(b)
      mixer.pull(new Float32Array(128), new Float32Array(128))
    }
    const all = vectors.map((v) => raw(v.payload))
    for (const b of all) for (let n = 0; n <= b.length; n++) check(b.subarray(0, n))
    for (let i = 0; i < 4000; i++) {
      const of = all[random(all.length)] ?? new Uint8Array()
      const b = new Uint8Array(Math.max(0, of.length + (random(3) === 0 ? random(9) - 4 : 0)))
      b.set(of.subarray(0, b.length))
      for (let n = random(4); n > 0 && b.length > 0; n--) b[random(b.length)] = random(256)
      check(b)
    }
    for (let i = 0; i < 2000; i++) check(Uint8Array.from({ length: random(64) }, () => random(256)))
    const long = new Uint8Array(1 << 20) // the longest payload that there is
    long.set(raw(vectors[0]?.payload ?? ''))
    check(long) // its samples are not whole: 9 bytes stand before them
    check(long.subarray(0, long.length - 3))
    expect(read).toBeGreaterThan(500)
    expect(refused).toBeGreaterThan(2000)
    expect(mixer.stats().refused).toBe(refused)
  })
})

describe('another rate', () => {
  /** The worst difference of what comes out, in pieces of any length, from the tone that went in. */
  function error(from: number, to: number, hertz: number, piece: number): number {
    const r = new Resampler(from, to)
    const tone = sine(from, from, hertz)
    const out: number[] = []
    for (let at = 0; at < tone.length; at += piece) out.push(...r.next(tone.subarray(at, at + piece)))
    expect(Math.abs(out.length - to)).toBeLessThan((40 * to) / from + 2)
    let worst = 0
    const late = 32 - 15 // samples of the source
    for (let i = 200; i < out.length - 200; i++) {
      worst = Math.max(worst, Math.abs((out[i] ?? 0) - Math.sin(2 * Math.PI * hertz * (i / to - late / from))))
    }
    return worst
  }

  it.each([
    [44_100, 48_000, 1000, 882],
    [44_100, 48_000, 9000, 441],
    [22_050, 48_000, 440, 7],
    [8000, 44_100, 1000, 160],
    [48_000, 44_100, 5000, 961],
    [11_025, 96_000, 2000, 1],
  ])('%i to %i keeps a tone of %i Hz, whatever the pieces', (from, to, hertz, piece) => {
    expect(error(from, to, hertz, piece)).toBeLessThan(0.01)
  })

  it('that is lower keeps out what it cannot have', () => {
    const out = new Resampler(48_000, 16_000).next(sine(48_000, 48_000, 12_000))
    expect(Math.max(...out.slice(200, -200).map(Math.abs))).toBeLessThan(0.02)
  })

  it('that is the same changes nothing', () => {
    const samples = sine(100, 48_000, 440)
    expect(new Resampler(48_000, 48_000).next(samples)).toBe(samples)
  })

  it('of nothing is nothing', () => {
    expect(new Resampler(44_100, 48_000).next(new Float32Array(0)).length).toBe(0)
  })
})

describe('the ring', () => {
  it('begins once there is enough, and goes round', () => {
    const ring = new Ring(10, 4, 5)
    ring.push(ramp(3), ramp(3))
    expect(pull(ring, 2)).toEqual([0, 0])
    ring.push(ramp(3, 4), ramp(3, 4))
    expect(pull(ring, 4)).toEqual([1, 2, 3, 4])
    ring.push(ramp(8, 7), ramp(8, 7))
    expect(pull(ring, 6)).toEqual([5, 6, 7, 8, 9, 10])
    expect(ring.filled).toBe(4)
    expect([ring.dropped, ring.gaps]).toEqual([0, 0])
  })

  it('drops rather than lags: the oldest, and so much that the rest is short', () => {
    const ring = new Ring(10, 4, 5)
    ring.push(ramp(8), ramp(8))
    ring.push(ramp(3, 9), ramp(3, 9))
    expect([ring.filled, ring.dropped]).toEqual([5, 6])
    expect(pull(ring, 5)).toEqual([7, 8, 9, 10, 11])
  })

  it('keeps the end of what is longer than itself', () => {
    const ring = new Ring(10, 4, 5)
    ring.push(ramp(2), ramp(2))
    ring.push(ramp(25, 100), ramp(25, 100))
    expect([ring.filled, ring.dropped]).toEqual([10, 17])
    expect(pull(ring, 10)).toEqual([...ramp(10, 115)])
  })

  it('is silent where there is nothing, counts that, and gathers again', () => {
    const ring = new Ring(10, 4, 5)
    ring.push(ramp(4), ramp(4))
    expect(pull(ring, 6)).toEqual([1, 2, 3, 4, 0, 0])
    expect(ring.gaps).toBe(1)
    expect(pull(ring, 6)).toEqual([0, 0, 0, 0, 0, 0])
    expect(ring.gaps).toBe(1) // the same one
    ring.push(ramp(2), ramp(2))
    expect(pull(ring, 2)).toEqual([0, 0])
  })

  it('plays the end of a sound though it is short', () => {
    const ring = new Ring(10, 4, 5)
    ring.push(ramp(2), ramp(2))
    expect([pull(ring, 2), pull(ring, 2), pull(ring, 2)]).toEqual([
      [0, 0],
      [0, 0],
      [1, 2],
    ])
  })

  it('forgets what is not to be heard any more', () => {
    const ring = new Ring(10, 4, 5)
    ring.push(ramp(8), ramp(8))
    ring.clear()
    expect(pull(ring, 2)).toEqual([0, 0])
    expect([ring.filled, ring.dropped]).toEqual([0, 0])
  })
})

describe('the mixer', () => {
  const second = (hertz: number): number[] => [...sine(44_100, 44_100, hertz)].flatMap((s) => [s * 0x7000, s * 0x7000])

  it('never holds more than a moment, and says how much it dropped', () => {
    const mixer = new Mixer(48_000)
    mixer.push(payload(44_100, 2, 30, second(440)))
    const left = new Float32Array(48_000)
    mixer.pull(left, new Float32Array(48_000))
    const stats = mixer.stats()
    expect(stats.played).toBe(ROOM)
    expect(Math.abs(stats.dropped - (1000 - ROOM))).toBeLessThanOrEqual(1)
    expect([stats.lost, stats.refused, stats.gaps]).toEqual([30, 0, 1])
    expect(Math.max(...left)).toBeGreaterThan(0.8)
    expect(left[47_999]).toBe(0)
  })

  it('S22 plays nothing of what is not as it must be, and goes on', () => {
    const mixer = new Mixer(44_100)
    for (const bad of [new Uint8Array(3), payload(1, 2, 5, [1, 2])]) mixer.push(bad)
    expect(mixer.stats()).toEqual({ refused: 2, played: 0, dropped: 0, lost: 0, gaps: 0 })
    mixer.push(payload(44_100, 2, 0, second(440).slice(0, 88_20)))
    mixer.pull(new Float32Array(128), new Float32Array(128))
    expect(mixer.stats().played).toBe(3)
  })

  it('goes on when the rate changes', () => {
    const mixer = new Mixer(48_000)
    mixer.push(payload(8000, 1, 0, Array(400).fill(0x4000)))
    mixer.push(payload(22_050, 2, 0, Array(2204).fill(0x4000)))
    const left = new Float32Array(4000)
    const right = new Float32Array(4000)
    mixer.pull(left, right)
    expect(Math.abs((left[3500] ?? 0) - 0.5)).toBeLessThan(0.01)
    expect(left).toEqual(right)
  })
})
