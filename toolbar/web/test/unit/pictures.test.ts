import { describe, expect, it } from 'vitest'
import { decoders, draw, pictures } from './pictures.js'

const { cases, mutants } = pictures()

describe.each(Object.entries(decoders))('S22 %s decodes pictures as the gateway does', (name, make) => {
  it('is what runs', async () => {
    expect((await make()).name).toBe(name)
  })

  it.each(cases)('$name', async ({ payload, drawn }) => {
    expect(draw(await make(), payload)).toEqual(drawn)
  })

  it('and so is what random changes make of them', async () => {
    const decoder = await make()
    for (const { name: mutant, payload, drawn } of mutants) expect(draw(decoder, payload), mutant).toEqual(drawn)
  })
})

it('S22 what random changes make of them is the same by each, and never throws', async () => {
  const [script, wasm] = [await decoders.typescript(), await decoders['wasm-simd']()]
  const random = generator(Number(process.env.SEED ?? 22))
  for (let i = Number(process.env.MUTANTS ?? 4000); i > 0; i--) {
    const payload = (cases[random(cases.length)] as (typeof cases)[0]).payload.slice()
    for (let n = 1 + random(8); n > 0; n--) {
      const at = random(4) === 0 ? random(payload.length) : GROUND + random(payload.length - GROUND)
      payload[at] = random(3) === 0 ? (EDGES[random(EDGES.length)] as number) : random(256)
    }
    const cut = random(16) === 0 ? payload.subarray(0, random(payload.length)) : payload
    expect(draw(wasm, cut), Buffer.from(cut).toString('base64')).toEqual(draw(script, cut))
  }
})

/** Where what is drawn on the desktop's own pixels begins. */
const GROUND = 9 + 18 + 8 * 4 * 4
const EDGES = [0, 1, 2, 127, 128, 240, 254, 255]

/** Numbers below a limit that look random, the same ones for a seed (mulberry32). */
function generator(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}
