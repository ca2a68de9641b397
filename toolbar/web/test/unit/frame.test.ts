import { expect, it } from 'vitest'
import {
  ackFrame,
  clientFrame,
  keyFrames,
  MAX_INPUT,
  MAX_PAYLOAD,
  pasteFrame,
  resizeFrame,
  splitMessage,
} from '../../src/core/frame.js'

it('cuts long input into frames that the gateway takes, and loses nothing', () => {
  const input = Uint8Array.from({ length: 2 * MAX_INPUT + 5 }, (_, i) => i & 0xff)
  const frames = keyFrames(input)
  expect(frames.map((f) => f.length - 6)).toEqual([MAX_INPUT, MAX_INPUT, 5])
  const joined = frames.flatMap((f) => Array.from(f.subarray(6)))
  expect(Uint8Array.from(joined)).toEqual(input)
  expect(keyFrames(new Uint8Array(0))).toEqual([])
})

it('never makes a frame that the gateway would refuse', () => {
  expect(() => clientFrame('key', new Uint8Array(0))).toThrow(RangeError)
  expect(() => clientFrame('key', new Uint8Array(MAX_INPUT + 1))).toThrow(RangeError)
  expect(() => pasteFrame(new Uint8Array(MAX_PAYLOAD + 1), true)).toThrow(RangeError)
  expect(() => clientFrame('disconnect', new Uint8Array(1))).toThrow(RangeError)
  expect(() => clientFrame('key', new Uint8Array(1), 1)).toThrow(RangeError)
})

it('caps sizes at 16 bits and writes acknowledgements of 64', () => {
  expect(Array.from(resizeFrame({ cols: 70000, rows: -1, width: 1.5, height: 0 }).subarray(6))).toEqual([
    255, 255, 0, 0, 0, 2, 0, 0,
  ])
  expect(Array.from(ackFrame(2 ** 33 + 7).subarray(6))).toEqual([0, 0, 0, 2, 0, 0, 0, 7])
})

it('reads frames out of the middle of a larger buffer', () => {
  const buffer = Uint8Array.of(9, 9, 0x10, 0, 0, 0, 0, 1, 0x41, 9)
  expect(splitMessage(buffer.subarray(2, 9))[0]?.payload).toEqual(Uint8Array.of(0x41))
})

it('does not fail in any other way on bytes of all sorts', () => {
  let seed = 7
  const random = (n: number): number => {
    seed = (seed * 1103515245 + 12345) & 0x7fffffff
    return seed % n
  }
  for (let i = 0; i < 20_000; i++) {
    const kinds = [0x01, 0x02, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, random(256)]
    const message = Uint8Array.from({ length: random(24) }, () => random(256))
    if (message.length > 6) message.set([kinds[random(kinds.length)] ?? 0, random(4), 0, 0, 0, random(20)])
    try {
      const frames = splitMessage(message)
      expect(frames.reduce((n, f) => n + 6 + f.payload.length, 0)).toBe(message.length)
    } catch (err) {
      expect((err as Error).name).toBe('FrameError')
    }
  }
})
