import { expect, test } from './fixtures.js'

test('S08 a desktop is decoded in a Worker under the policy of the session page', async ({ anna }) => {
  await anna.open('shell')
  const got = await anna.page.evaluate(async () => {
    const path = new URL('../assets/screen.js', location.href).href
    const { ScreenView } = await import(path)
    const canvas = document.createElement('canvas')
    document.body.append(canvas)
    const said: unknown[] = []
    const view = new ScreenView(canvas, {
      onDesktop: (...a: unknown[]) => said.push(['desktop', ...a]),
      onConsumed: (...a: unknown[]) => said.push(['consumed', ...a]),
      onFault: (...a: unknown[]) => said.push(['fault', ...a]),
    })
    const unit = (kind: number, ...body: number[]) => [kind, 0, 0, 0, body.length, ...body]
    view.push(
      Uint8Array.from([
        ...unit(1, 0, 4, 0, 3),
        ...unit(2, 5, 0, 1, 0, 1, 0, 2, 0, 1, 0, 2, 0, 1, 1, 2, 3, 0, 4, 5, 6, 0),
        ...unit(4),
      ]),
    )
    const shot = await view.snapshot()
    return { said, decoder: await view.ready, stats: await view.stats(), pixels: Array.from(shot.pixels) }
  })
  expect(got.stats).toMatchObject({ thread: 'worker', frames: 1, faults: 0, tiles: { raw32: 1 } })
  expect(got.said).toEqual([
    ['desktop', 4, 3],
    ['consumed', 40],
  ])
  expect(got.pixels.slice(20, 28)).toEqual([3, 2, 1, 255, 6, 5, 4, 255])
})
