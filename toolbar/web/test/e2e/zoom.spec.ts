import { type Browser, chromium, type Page } from '@playwright/test'
import { expectAccessible } from './axe.js'
import { DeskPage, expect, test } from './desk-test.js'
import type { Person } from './fixtures.js'
import { signIn } from './fixtures.js'

async function open(who: Person, params: Record<string, string> = {}): Promise<DeskPage> {
  await who.page.goto(await who.launch('desk-plain', params))
  const desk = new DeskPage(who.page)
  await desk.ready()
  return desk
}

async function panel(page: Page) {
  await page.getByRole('button', { name: /^Open the session toolbar/ }).click({ position: { x: 30, y: 2 } })
  await page.getByRole('toolbar', { name: 'Session toolbar' }).getByRole('button', { name: 'Display' }).click()
  return page.getByRole('dialog', { name: 'Display' })
}

interface Box {
  x: number
  y: number
  width: number
  height: number
}

/** The pixels of a part of the screen, as it is drawn, as numbers. */
async function drawn(page: Page, clip: Box): Promise<{ width: number; pixels: number[] }> {
  const png = (await page.screenshot({ clip })).toString('base64')
  const blank = await page.context().newPage()
  const got = await blank.evaluate(async (data) => {
    const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0))
    const image = await createImageBitmap(new Blob([bytes], { type: 'image/png' }))
    const draw = new OffscreenCanvas(image.width, image.height).getContext('2d')
    draw?.drawImage(image, 0, 0)
    const { data: out } = draw?.getImageData(0, 0, image.width, image.height) ?? { data: new Uint8ClampedArray() }
    return { width: image.width, pixels: Array.from(new Uint32Array(out.buffer)) }
  }, png)
  await blank.close()
  await page.bringToFront()
  return got
}

/** Expects that a part of the screen is the desktop, pixel for pixel. What is drawn is seen a moment later. */
async function expectExact(desk: DeskPage, ratio: number): Promise<void> {
  await expect
    .poll(async () => {
      const { same, all, colours } = await compared(desk, ratio)
      return colours > 1 && all === (160 * ratio) ** 2 ? all - same : 'nothing to look at'
    })
    .toBe(0)
}

async function compared(desk: DeskPage, ratio: number): Promise<{ same: number; all: number; colours: number }> {
  const box = await desk.canvas.boundingBox()
  if (!box) throw new Error('no canvas')
  const size = 160
  // The list of the demonstration: no caret blinks there, and no clock goes.
  const at = { x: Math.max(0, Math.ceil(box.x)) + 16, y: Math.max(0, Math.ceil(box.y)) + 460 / ratio }
  const seen = await drawn(desk.page, { ...at, width: size, height: size })
  const there = await desk.part({
    x: Math.round((at.x - box.x) * ratio),
    y: Math.round((at.y - box.y) * ratio),
    width: seen.width,
    height: seen.width,
  })
  const same = seen.pixels.filter((p, i) => p === there[i]).length
  return { same, all: seen.pixels.length, colours: new Set(seen.pixels).size }
}

test('L7 L8 a desktop is shown larger, pixel for pixel, and to fit; the zoom is kept', async ({ anna }) => {
  const desk = await open(anna, { resolution: '1920x1080', zoom: 'fit' })
  const { page } = desk
  const width = async () => Math.round((await desk.canvas.boundingBox())?.width ?? 0)
  expect(await width()).toBe(1280)
  const display = await panel(page)
  await expect(display.getByRole('status')).toHaveText('67 %')
  await display.getByRole('button', { name: '1:1' }).click()
  await expect.poll(width).toBe(1920)
  await expectAccessible(page)
  await page.keyboard.press('Escape')
  await page.keyboard.press('Escape') // the toolbar as well
  await page.mouse.move(640, 400)
  await expectExact(desk, 1)

  const again = await panel(page)
  const kept = page.waitForResponse(
    (r) => r.url().endsWith('/display') && r.status() === 204 && (r.request().postData() ?? '').includes('"150"'),
  )
  for (const percent of ['125 %', '150 %']) {
    await again.getByRole('button', { name: 'Larger' }).click()
    await expect(again.getByRole('status')).toHaveText(percent)
  }
  await expect.poll(width).toBe(2880)
  page.on('dialog', (d) => d.accept())
  await kept
  await page.reload()
  await desk.ready()
  await expect.poll(width).toBe(2880)
  const last = await panel(page)
  await last.getByRole('button', { name: 'Fit the window' }).click()
  await expect.poll(width).toBe(1280)
})

test('L7 at 150 % the mouse is where it points, also when scrolled, and pushes at the edge', async ({ anna }) => {
  const moves: string[] = []
  anna.page.on('websocket', (ws) =>
    ws.on('framesent', ({ payload }) => {
      if (typeof payload === 'string' || payload[0] !== 0x82) return
      for (let at = 6; at + 8 <= payload.length; at += 8) {
        if (payload[at] === 1) moves.push(`${payload.readUInt16BE(at + 2)},${payload.readUInt16BE(at + 4)}`)
      }
    }),
  )
  const desk = await open(anna, { resolution: 'fit', zoom: '150' })
  const { page } = desk
  const point = async (x: number, y: number) => {
    const box = await desk.canvas.boundingBox()
    if (!box) throw new Error('no canvas')
    moves.length = 0
    await page.mouse.move(box.x + (x + 0.5) * 1.5, box.y + (y + 0.5) * 1.5)
    await expect.poll(() => moves[moves.length - 1]).toBe(`${x},${y}`)
  }
  await point(100, 100)
  await point(401, 333)
  const box = page.locator('.desk')
  await box.evaluate((e) => e.scrollTo(200, 150))
  await point(402, 334)
  await point(700, 500)
  const scrolled = () => box.evaluate((e) => `${e.scrollLeft},${e.scrollTop}`)
  await page.mouse.move(1276, 796)
  await expect.poll(scrolled).toBe('640,400')
  await expect.poll(() => moves[moves.length - 1]).toBe('1277,797')
  await page.mouse.move(3, 400)
  await expect.poll(scrolled).toBe('0,400')
  await page.mouse.move(640, 400)
})

test('L7 on a screen of twice the pixels, 1:1 is exact', async ({ world }) => {
  let browser: Browser | undefined
  try {
    browser = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-gpu', '--force-device-scale-factor=2', '--window-size=1280,800'],
    })
    const context = await browser.newContext({ baseURL: world.url, viewport: null })
    await signIn(context, world, 'anna')
    const page = await context.newPage()
    expect(await page.evaluate(() => devicePixelRatio)).toBe(2)
    const r = await context.request.post(`${world.url}/pam/api/asset/desk-plain/sessions`, {
      data: { params: { resolution: '1920x1080', zoom: '100' } },
      headers: { Origin: world.url },
    })
    const { id } = (await r.json()) as { id: string }
    await page.goto(`/pam/s/${id}`)
    const desk = new DeskPage(page)
    await desk.ready()
    await expect.poll(async () => (await desk.canvas.boundingBox())?.width).toBe(960)
    await expectExact(desk, 2)
  } finally {
    await browser?.close()
  }
})
