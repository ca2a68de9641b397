import type { Browser, Page } from '@playwright/test'
import type { Stats } from '../../src/screen/index.js'
import { type Drawn, pictures } from '../unit/pictures.js'
import { expect, signIn, test } from './fixtures.js'
import { Tabs } from './tabs.js'
import type { World } from './world.js'

const { cases, mutants } = pictures()

/** What a view has said, and what it has drawn, payload by payload. */
interface Shown {
  ready: string
  stats: Stats
  consumed: number
  desktops: [number, number][]
  faults: string[]
  drawn: { width: number; height: number; sha256: string }[]
}

/** Draws payloads in the page, each in the same view, and looks at the canvas after each. */
async function show(page: Page, payloads: Uint8Array[], options: object = {}): Promise<Shown> {
  const coded = payloads.map((p) => Buffer.from(p).toString('base64'))
  return await page.evaluate(
    async ({ coded, options }) => {
      const { ScreenView } = (await import(
        new URL('../assets/screen.js', location.href).href
      )) as typeof import('../../src/screen/index.js')
      const canvas = document.createElement('canvas')
      document.body.append(canvas)
      const desktops: [number, number][] = []
      const faults: string[] = []
      let consumed = 0
      let over = () => {}
      const ended = new Promise<void>((resolve) => {
        over = resolve
      })
      const view = new ScreenView(
        canvas,
        {
          onDesktop: (w, h) => desktops.push([w, h]),
          onConsumed: (n) => {
            consumed += n
          },
          onFault: (text) => {
            faults.push(text)
            over()
          },
        },
        options,
      )
      const ready = await view.ready
      const drawn: { width: number; height: number; sha256: string }[] = []
      let stats = {} as Stats
      for (const text of coded) {
        view.push(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)))
        const shot = await Promise.race([view.snapshot(), ended])
        if (!shot) break
        const hash = new Uint8Array(
          await crypto.subtle.digest('SHA-256', shot.pixels as Uint8ClampedArray<ArrayBuffer>),
        )
        const sha256 = Array.from(hash.subarray(0, 8), (b) => b.toString(16).padStart(2, '0')).join('')
        drawn.push({ width: shot.width, height: shot.height, sha256 })
        stats = await view.stats()
      }
      view.close()
      canvas.remove()
      return { ready, stats, consumed, desktops, faults, drawn }
    },
    { coded, options },
  )
}

/** What the gateway's decoders make of the same payloads. */
const wanted = (all: { drawn: Drawn }[]) =>
  all.map(({ drawn: { width, height, sha256 } }) => ({ width, height, sha256 }))

/** A session page whose content policy the test has changed. Its complaints are what is tested. */
async function withPolicy(browser: Browser, world: World, change: (policy: string) => string) {
  const context = await browser.newContext({ baseURL: world.url })
  await signIn(context, world, 'anna')
  const r = await context.request.post(`${world.url}/pam/api/asset/shell/sessions`, {
    data: { params: {} },
    headers: { Origin: world.url },
  })
  const { id } = (await r.json()) as { id: string }
  const page = await context.newPage()
  const said: string[] = []
  page.on('console', (m) => said.push(m.text()))
  await page.route(`**/pam/s/${id}`, async (route) => {
    const answer = await route.fetch()
    const headers = answer.headers()
    const policy = change(headers['content-security-policy'] ?? '')
    await route.fulfill({ response: answer, headers: { ...headers, 'content-security-policy': policy } })
  })
  await page.goto(`/pam/s/${id}`)
  return { context, page, said }
}

const bytesOf = (all: { payload: Uint8Array }[]) => all.reduce((n, c) => n + c.payload.length, 0)

test('S22 S08 under the policy of the session page a Worker draws by WebAssembly what the gateway draws', async ({
  anna,
}) => {
  const worker = anna.page.waitForResponse(/chunk-screen-worker-/, { timeout: 0 }) // a shell is opened before
  const session = await anna.open('shell')
  const got = await show(
    session.page,
    cases.map((c) => c.payload),
  )
  expect((await (await worker).allHeaders())['content-security-policy']).toBe(
    "default-src 'none'; frame-ancestors 'none'",
  )
  expect(got.ready).toBe('wasm-simd')
  expect(got.stats).toMatchObject({ decoder: 'wasm-simd', thread: 'worker', faults: 0 })
  expect(got.stats.tiles.remotefx).toBeGreaterThan(20)
  expect(got.stats.tiles.nscodec).toBeGreaterThan(20)
  expect(got.drawn).toEqual(wanted(cases))
  expect(got.consumed).toBe(bytesOf(cases))
  expect(got.faults).toEqual([])
})

test('S22 S08 without wasm-unsafe-eval the Worker draws the same in TypeScript', async ({ browser, world }) => {
  const { context, page } = await withPolicy(browser, world, (p) => p.replace(" 'wasm-unsafe-eval'", ''))
  const got = await show(
    page,
    cases.map((c) => c.payload),
  )
  expect(got.ready).toBe('typescript')
  expect(got.stats).toMatchObject({ decoder: 'typescript', thread: 'worker', faults: 0 })
  expect(got.drawn).toEqual(wanted(cases))
  await context.close()
})

test('S22 S08 a page that allows the Worker no trusted address draws the same by itself', async ({
  browser,
  world,
}) => {
  const { context, page, said } = await withPolicy(browser, world, (p) => p.replace(' sallyport', ''))
  const got = await show(
    page,
    cases.map((c) => c.payload),
  )
  expect(got.stats).toMatchObject({ decoder: 'wasm-simd', thread: 'page', faults: 0 })
  expect(got.drawn).toEqual(wanted(cases))
  expect(said.join('\n')).toMatch(/trusted|policy/i)
  await context.close()
})

test('S22 a browser that refuses the Worker, or has no OffscreenCanvas, draws the same on the page', async ({
  browser,
  world,
}) => {
  const { context, page } = await withPolicy(browser, world, (p) => p.replace("worker-src 'self'", "worker-src 'none'"))
  const refused = await show(
    page,
    cases.map((c) => c.payload),
  )
  expect(refused.stats).toMatchObject({ thread: 'page', faults: 0 })
  expect(refused.drawn).toEqual(wanted(cases))
  await page.evaluate(() => {
    Reflect.deleteProperty(HTMLCanvasElement.prototype, 'transferControlToOffscreen')
  })
  const few = cases.slice(0, 9)
  const without = await show(
    page,
    few.map((c) => c.payload),
    { wasm: false },
  )
  expect(without.stats).toMatchObject({ thread: 'page', decoder: 'typescript', faults: 0 })
  expect(without.drawn).toEqual(wanted(few))
  await context.close()
})

test('S22 S08 hostile pictures cost a unit or the view, never the page or its Worker', async ({ anna }) => {
  const session = await anna.open('shell')
  const whole = mutants.filter((m) => !m.drawn.broken && m.drawn.width > 0)
  // Each is drawn to its end, which shows it, or the next one's desktop would hide what it has left behind.
  const ends = Uint8Array.of(4, 0, 0, 0, 0)
  const got = await show(
    session.page,
    whole.map((m) => Uint8Array.from([...m.payload, ...ends])),
  )
  expect(got.faults).toEqual([])
  expect(got.stats.thread).toBe('worker')
  expect(got.stats.faults).toBe(whole.reduce((n, m) => n + (m.drawn.faults ?? 0), 0))
  expect(got.drawn).toEqual(wanted(whole))

  const broken = mutants.filter((m) => m.drawn.broken).slice(0, 12)
  const good = cases[0]
  for (const m of broken) {
    const over = await show(session.page, [m.payload, ...(good ? [good.payload] : [])])
    expect(over.faults, m.name).toHaveLength(1)
    expect(over.drawn.length, m.name).toBeLessThan(2)
  }
})

test('pictures are decoded, and may be acknowledged, while another tab covers the page', async ({ anna, world }) => {
  const session = await anna.open('shell')
  const tabs = await Tabs.like(anna.context)
  try {
    const tab = await tabs.open(session.page.url())
    await expect(session.card('Opened elsewhere')).toBeVisible()
    await tabs.open(`${world.url}/assets`)
    await expect.poll(() => tabs.evaluate(tab, 'document.visibilityState')).toBe('hidden')
    const coded = JSON.stringify(cases.map((c) => Buffer.from(c.payload).toString('base64')))
    // Evaluate waits for no promise: what comes of it is left on the window.
    const work = async (coded: string[]): Promise<string> => {
      const { ScreenView } = (await import(
        new URL('../assets/screen.js', location.href).href
      )) as typeof import('../../src/screen/index.js')
      let consumed = 0
      const onConsumed = (n: number) => {
        consumed += n
      }
      const canvas = document.createElement('canvas')
      document.body.append(canvas)
      const view = new ScreenView(canvas, { onDesktop: () => {}, onFault: () => {}, onConsumed })
      for (let i = 0; i < 20; i++) {
        for (const text of coded) view.push(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)))
        await view.snapshot()
      }
      const { faults, thread } = await view.stats()
      view.close()
      return `${consumed} ${faults} ${thread} ${document.visibilityState}`
    }
    await tabs.evaluate(
      tab,
      `(${work})(${coded}).then((said) => { window.said = said }, (e) => { window.said = String(e) })`,
    )
    await expect.poll(() => tabs.evaluate(tab, 'window.said')).toBe(`${20 * bytesOf(cases)} 0 worker hidden`)
  } finally {
    await tabs.close()
  }
})
