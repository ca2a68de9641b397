import { describe, expect, it } from 'vitest'
import { Pump } from '../../src/term/pump.js'

function rig(cost = 0) {
  let now = 0
  const written: number[] = []
  const tasks: (() => void)[] = []
  const state = { hidden: false }
  const pump = new Pump({
    write: (b) => {
      now += cost
      written.push(...b)
    },
    schedule: (fn) => tasks.push(fn),
    now: () => now,
    hidden: () => state.hidden,
  })
  return { pump, written, tasks, state }
}

describe('the way of output into the terminal', () => {
  it('parses what comes to an idle terminal at once', () => {
    const { pump, written, tasks } = rig()
    void pump.write(Uint8Array.of(1, 2))
    expect(written).toEqual([1, 2])
    expect(tasks).toEqual([])
  })

  it('keeps the order, works in slices, and resolves when all is parsed', async () => {
    const { pump, written, tasks } = rig(5) // three pieces to a slice
    const done: string[] = []
    const large = new Uint8Array(8 * 32768)
    void pump.write(large).then(() => done.push('large'))
    expect(written.length).toBe(3 * 32768)
    pump.run(() => written.push(99))
    void pump.write(Uint8Array.of(1, 2)).then(() => done.push('small'))
    await Promise.resolve()
    expect(done).toEqual([])
    let slices = 0
    for (let task = tasks.shift(); task; task = tasks.shift()) {
      task()
      slices++
    }
    await Promise.resolve()
    await Promise.resolve()
    expect(written.length).toBe(large.length + 3)
    expect(written.slice(large.length)).toEqual([99, 1, 2])
    expect(done).toEqual(['large', 'small'])
    expect(slices).toBe(2)
  })

  it('loses nothing of a large amount', () => {
    const { pump, written, tasks } = rig(20)
    const data = Uint8Array.from({ length: 200_000 }, (_, i) => i & 0xff)
    for (let i = 0; i < 300; i++) void pump.write(Uint8Array.of(i & 0xff))
    void pump.write(data)
    for (let task = tasks.shift(); task; task = tasks.shift()) task()
    expect(written.length).toBe(200_300)
    expect(Uint8Array.from(written.slice(300))).toEqual(data)
  })

  it('goes on after a fault of the parser, and counts the piece as consumed', async () => {
    let first = true
    const written: number[] = []
    const pump = new Pump({
      write: (b) => {
        if (first) {
          first = false
          throw new Error('a sequence that the parser trips over')
        }
        written.push(...b)
      },
      schedule: (fn) => fn(),
      now: () => 0,
      hidden: () => false,
    })
    const log = console.error
    console.error = () => {}
    await pump.write(Uint8Array.of(1))
    console.error = log
    await pump.write(Uint8Array.of(2))
    expect(written).toEqual([2])
  })

  it('does nothing after its end', () => {
    const { pump, written, tasks } = rig(20)
    void pump.write(new Uint8Array(2 * 32768))
    pump.stop()
    for (const task of tasks) task()
    void pump.write(Uint8Array.of(4))
    expect(written.length).toBe(32768)
  })
})
