import { readdirSync, readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join } from 'node:path'
import { expect, test } from '@playwright/test'
import { repo } from '../e2e/paths.js'

// What a full frame of 1920x1080 costs the browser, by codec: decoded into the back buffer, and shown on the canvas. The frames are those of
// rdp/rdptest/internal/frames.

const frames = join(repo, '.cache/frames')
const dist = join(repo, 'toolbar/dist')
const ROUNDS = Number(process.env.FRAMES ?? 40)

const types: Record<string, string> = { '.js': 'text/javascript', '.wasm': 'application/wasm' }

/** Serves the built client and the frames, the client's files under the policy that they have from package toolbar. */
async function serve(): Promise<Server> {
  const { entries } = JSON.parse(readFileSync(join(dist, 'manifest.json'), 'utf8')) as {
    entries: Record<string, string>
  }
  const server = createServer((req, res) => {
    const name = (req.url ?? '').slice(1)
    const file = entries[name] ?? name
    if (name === '') {
      res.setHeader('Content-Type', 'text/html')
      res.end('<!doctype html><title>screen</title>')
    } else if (readdirSync(dist).includes(file)) {
      res.setHeader('Content-Type', types[extname(file)] ?? 'text/plain')
      res.setHeader('Content-Security-Policy', "default-src 'none'")
      res.end(readFileSync(join(dist, file)))
    } else if (readdirSync(frames).includes(name)) res.end(readFileSync(join(frames, name)))
    else {
      res.statusCode = 404
      res.end()
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}

test('a full frame of 1920x1080', async ({ browser }) => {
  const server = await serve()
  try {
    const lines: string[] = []
    for (const wasm of [true, false]) {
      const page = await browser.newPage()
      await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
      for (const name of readdirSync(frames).sort()) {
        const got = await page.evaluate(
          async ({ name, wasm, rounds }) => {
            const { ScreenView } = (await import(
              new URL('screen.js', location.href).href
            )) as typeof import('../../src/screen/index.js')
            const file = new Uint8Array(await (await fetch(name)).arrayBuffer())
            const payloads: Uint8Array[] = []
            for (let at = 0; at < file.length; ) {
              const n = new DataView(file.buffer).getUint32(at)
              payloads.push(file.subarray(at + 4, at + 4 + n))
              at += 4 + n
            }
            const canvas = document.createElement('canvas')
            document.body.append(canvas)
            const view = new ScreenView(
              canvas,
              { onDesktop: () => {}, onConsumed: () => {}, onFault: () => {} },
              { wasm },
            )
            const decoder = await view.ready
            view.push(Uint8Array.of(1, 0, 0, 0, 4, 1920 >> 8, 1920 & 255, 1080 >> 8, 1080 & 255))
            const decode: number[] = []
            const show: number[] = []
            const wall: number[] = []
            let before = await view.stats()
            for (let i = 0; i < rounds; i++) {
              const begin = performance.now()
              for (const p of payloads) view.push(p)
              const now = await view.stats()
              if (i >= rounds / 4) {
                // What comes before warms up.
                decode.push(now.decodeMs - before.decodeMs)
                show.push(now.showMs - before.showMs)
                wall.push(performance.now() - begin)
              }
              before = now
            }
            view.close()
            canvas.remove()
            const median = (v: number[]) => v.sort((a, b) => a - b)[v.length >> 1] as number
            return {
              decoder,
              thread: before.thread,
              faults: before.faults,
              bytes: file.length,
              decode: median(decode),
              show: median(show),
              wall: median(wall),
              slowest: Math.max(...wall),
            }
          },
          { name, wasm, rounds: ROUNDS },
        )
        expect(got.faults).toBe(0)
        expect(got.decoder).toBe(wasm ? 'wasm-simd' : 'typescript')
        const ms = (v: number) => v.toFixed(1).padStart(8)
        lines.push(
          `${name.replace('.screen', '').padEnd(16)}${got.decoder.padEnd(12)}${(got.bytes / 1024).toFixed(0).padStart(8)}` +
            `${ms(got.decode)}${ms(got.show)}${ms(got.wall)}${ms(got.slowest)}`,
        )
      }
      await page.close()
    }
    console.log(
      [
        `codec           decoder          KiB  decode    show    wall slowest   ms per 1920x1080, medians of ${ROUNDS - ROUNDS / 4}`,
        ...lines,
      ].join('\n'),
    )
  } finally {
    server.close()
  }
})
