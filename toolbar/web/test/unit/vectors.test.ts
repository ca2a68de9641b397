import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type ClientKind, clientFrame, FrameError, splitMessage } from '../../src/core/frame.js'

// The vectors that the gateway's codec reads as well.
const file = new URL('../../../../pam/internal/frame/testdata/vectors.json', import.meta.url)

interface Vector {
  name: string
  from: 'browser' | 'gateway'
  hex: string
  frames?: { kind: string; flags: number; payload: string }[]
  error?: boolean
}

const vectors = JSON.parse(readFileSync(file, 'utf8')) as Vector[]
const bytes = (hex: string): Uint8Array => Uint8Array.from(hex.match(/../g) ?? [], (b) => Number.parseInt(b, 16))
const hex = (b: Uint8Array): string => Array.from(b, (x) => x.toString(16).padStart(2, '0')).join('')

describe('golden vectors', () => {
  const from = (who: Vector['from'], bad: boolean) => vectors.filter((v) => v.from === who && !!v.error === bad)

  it('has all four sorts', () => {
    for (const who of ['browser', 'gateway'] as const) {
      for (const bad of [true, false]) expect(from(who, bad).length).toBeGreaterThan(3)
    }
  })

  it.each(from('gateway', false))('reads $name', (v) => {
    const message = bytes(v.hex)
    const got = splitMessage(message).map((f) => ({
      kind: f.kind,
      flags: (f.key ? 1 : 0) | (f.droppable ? 2 : 0),
      payload: hex(f.payload),
    }))
    expect(got).toEqual(v.frames)
  })

  it.each(from('gateway', false))('refuses every prefix of $name that is no message', (v) => {
    const whole = bytes(v.hex)
    const ends = new Set<number>()
    for (const [i] of (v.frames ?? []).entries()) {
      ends.add((v.frames ?? []).slice(0, i + 1).reduce((n, f) => n + 6 + f.payload.length / 2, 0))
    }
    for (let n = 0; n < whole.length; n++) {
      if (!ends.has(n)) expect(() => splitMessage(whole.subarray(0, n)), `${n} bytes`).toThrow(FrameError)
    }
  })

  it.each(from('gateway', true))('refuses $name', (v) => {
    expect(() => splitMessage(bytes(v.hex))).toThrow(FrameError)
  })

  it.each(from('browser', false))('writes $name', (v) => {
    const got = (v.frames ?? []).map((f) => hex(clientFrame(f.kind as ClientKind, bytes(f.payload), f.flags))).join('')
    expect(got).toBe(v.hex)
  })
})
