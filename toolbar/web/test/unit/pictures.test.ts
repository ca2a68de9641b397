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
