import { describe, expect, it } from 'vitest'
import { type Decoder, TypeScriptDecoder } from '../../src/screen/core/decoder.js'
import { draw, pictures } from './pictures.js'

const { cases, mutants } = pictures()
const decoders: (() => Promise<Decoder>)[] = [async () => new TypeScriptDecoder()]

describe.each(decoders)('S22 pictures are decoded as the gateway decodes them', (make) => {
  it.each(cases)('$name', async ({ payload, drawn }) => {
    expect(draw(await make(), payload)).toEqual(drawn)
  })

  it('and so is what random changes make of them', async () => {
    const decoder = await make()
    for (const { name, payload, drawn } of mutants) expect(draw(decoder, payload), name).toEqual(drawn)
  })
})
