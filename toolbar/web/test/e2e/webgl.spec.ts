import { type Browser, chromium, type Page } from '@playwright/test'
import { expect, signIn, test } from './fixtures.js'
import { expectFile, SessionPage } from './session.js'

/** The colour in the middle of a box of the page as it is drawn. */
async function colour(page: Page, box: { x: number; y: number; width: number; height: number }): Promise<number[]> {
  const png = (await page.screenshot({ clip: box })).toString('base64')
  const blank = await page.context().newPage()
  const rgb = await blank.evaluate(async (data) => {
    const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0))
    const image = await createImageBitmap(new Blob([bytes], { type: 'image/png' }))
    const canvas = new OffscreenCanvas(image.width, image.height)
    const draw = canvas.getContext('2d')
    draw?.drawImage(image, 0, 0)
    return [...(draw?.getImageData(image.width >> 1, image.height >> 1, 1, 1).data.slice(0, 3) ?? [])]
  }, png)
  await blank.close()
  return rgb
}

test('with WebGL the terminal is drawn on a canvas, in the colours that were sent', async ({ world }) => {
  let browser: Browser | undefined
  try {
    browser = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: [
        '--no-sandbox',
        '--use-gl=angle',
        '--use-angle=swiftshader',
        '--enable-unsafe-swiftshader',
        '--no-first-run',
      ],
    })
    const context = await browser.newContext({ baseURL: world.url, viewport: { width: 1280, height: 800 } })
    const page = await context.newPage()
    await signIn(context, world, 'anna')
    const r = await context.request.post('/pam/api/asset/shell/sessions', { data: {}, headers: { Origin: world.url } })
    const { id } = (await r.json()) as { id: string }
    await page.goto(`/pam/s/${id}`)
    await expect(page.locator('.xterm canvas').first()).toBeVisible()
    await expect(page.locator('.xterm-rows')).toHaveCount(0)
    const session = new SessionPage(page)
    const marker = world.marker('webgl')
    await expect(session.handle).toBeVisible() // it is active
    await session.focus()
    // The screen is one colour; the file says that the command has run.
    await session.run(`printf '\\033[48;2;12;200;34m\\033[2J\\033[H'; echo drawn > ${marker}; read -rs`)
    await expectFile(marker, 'drawn')
    await expect.poll(() => colour(page, { x: 600, y: 400, width: 20, height: 20 })).toEqual([12, 200, 34])
  } finally {
    await browser?.close()
  }
})
