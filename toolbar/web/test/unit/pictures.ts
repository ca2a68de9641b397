import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Decoder, DecoderName } from '../../src/screen/core/decoder.js'
import { Picture } from '../../src/screen/core/picture.js'
import { UnitError, Units } from '../../src/screen/core/units.js'
import { decoderOf } from '../../src/screen/decoder.js'

/** What comes of a payload, as the gateway's own decoders have it. */
export interface Drawn {
  width: number
  height: number
  sha256: string
  faults?: number
  broken?: boolean
}
interface Case {
  name: string
  payload: Uint8Array
  drawn: Drawn
}
interface File {
  cases: (Drawn & { name: string; payload: string })[]
  mutants: (Drawn & { of: number; set: [number, number][]; bytes: number })[]
}

const file = new URL('../../../../rdp/internal/screen/testdata/pictures.json', import.meta.url)

/** The pictures that Go's tests draw too, and what random changes make of them. */
export function pictures(): { cases: Case[]; mutants: Case[] } {
  const { cases, mutants } = JSON.parse(readFileSync(file, 'utf8')) as File
  const whole = cases.map(({ name, payload, ...drawn }) => {
    return { name, payload: Uint8Array.from(Buffer.from(payload, 'base64')), drawn }
  })
  return {
    cases: whole,
    mutants: mutants.map(({ of: base, set, bytes, ...drawn }, i) => {
      const of = whole[base] as Case
      const payload = of.payload.slice()
      for (const [at, value] of set) payload[at] = value
      return { name: `mutant ${i} of ${of.name}`, payload: payload.subarray(0, bytes), drawn }
    }),
  }
}

/** Draws a payload with a decoder. */
export function draw(decoder: Decoder, payload: Uint8Array): Drawn {
  let faults = 0
  let broken = false
  const picture = new Picture(decoder, {
    desktop: () => {},
    drawn: (x, y, w, h) => {
      if (x < 0 || y < 0 || w < 1 || h < 1 || x + w > picture.width || y + h > picture.height) {
        throw new Error(`drawn ${x},${y} ${w}x${h} on ${picture.width}x${picture.height}`)
      }
    },
    present: () => {},
    tile: () => {},
    fault: () => faults++,
  })
  try {
    picture.draw(new Units(payload), () => false)
  } catch (err) {
    if (!(err instanceof UnitError)) throw err
    broken = true
  }
  const { width, height, pix } = picture
  const hash = createHash('sha256').update(new Uint8Array(pix.buffer, pix.byteOffset, pix.byteLength))
  const drawn: Drawn = { width, height, sha256: hash.digest('hex').slice(0, 16) }
  if (faults > 0 && !broken) drawn.faults = faults
  if (broken) drawn.broken = true
  return drawn
}

/** The decoders: the module is compiled as the client's build compiles it. */
export const decoders: Record<DecoderName, () => Promise<Decoder>> = {
  typescript: () => decoderOf(null),
  'wasm-simd': async () => decoderOf(await WebAssembly.compile(compiled())),
}

let bytes: Buffer<ArrayBuffer> | undefined

function compiled(): Buffer<ArrayBuffer> {
  if (!bytes) {
    const web = fileURLToPath(new URL('../..', import.meta.url))
    const out = join(mkdtempSync(join(tmpdir(), 'sallyport-asm-')), 'decoder.wasm')
    const asc = join(web, 'node_modules/assemblyscript/bin/asc.js')
    execFileSync(process.execPath, [asc, '--outFile', out], { cwd: web })
    bytes = readFileSync(out) as Buffer<ArrayBuffer>
    rmSync(dirname(out), { recursive: true })
  }
  return bytes
}
