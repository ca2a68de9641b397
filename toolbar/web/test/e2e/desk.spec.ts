import type { BrowserContext } from '@playwright/test'
import { expectAccessible } from './axe.js'
import { DeskPage, expect, test } from './desk-test.js'
import type { Person } from './fixtures.js'

async function open(who: Person, asset = 'desk', params: Record<string, string> = {}): Promise<DeskPage> {
  await allowClipboard(who.context, new URL(who.page.url()).origin)
  await who.page.goto(await who.launch(asset, params))
  const desk = new DeskPage(who.page)
  await desk.ready()
  return desk
}

async function allowClipboard(context: BrowserContext, origin: string): Promise<void> {
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], origin === 'null' ? {} : { origin })
}

const clipboard = (d: DeskPage): Promise<string> => d.page.evaluate(() => navigator.clipboard.readText())

test('L7 I7 keys reach a desktop, and what is copied there comes to the clipboard', async ({ anna }) => {
  const desk = await open(anna)
  await desk.page.keyboard.type('hallo 42')
  await desk.page.keyboard.press('Control+c')
  await expect.poll(() => clipboard(desk)).toBe('hallo 42')
})

test('L7 I6 what is pasted is in the session’s clipboard before the key is', async ({ anna }) => {
  const desk = await open(anna)
  await desk.page.evaluate(() => navigator.clipboard.writeText('from here'))
  await desk.page.keyboard.press('Control+v')
  await desk.page.keyboard.press('Shift+Digit1')
  await desk.page.keyboard.press('Control+c')
  await expect.poll(() => clipboard(desk)).toBe('from here!')
})

test('I6 the clipboard panel types a text key by key, for what takes no clipboard', async ({ anna }) => {
  const desk = await open(anna)
  await desk.page.getByRole('button', { name: /^Open the session toolbar/ }).click({ position: { x: 30, y: 2 } })
  await desk.page.getByRole('button', { name: 'Clipboard', exact: true }).click()
  const panel = desk.page.getByRole('dialog', { name: 'Clipboard' })
  await panel.getByRole('textbox').fill('Grüße, €5')
  await expectAccessible(desk.page)
  await panel.getByRole('button', { name: 'Type it' }).click()
  await expect(panel).toBeHidden()
  await desk.page.keyboard.press('Shift+Digit1')
  await desk.page.keyboard.press('Control+c')
  await expect.poll(() => clipboard(desk)).toBe('Grüße, €5!')
})

test('L7 the mouse draws, and the picture follows', async ({ anna }) => {
  const desk = await open(anna)
  const before = await desk.pixels(2)
  const box = await desk.canvas.boundingBox()
  if (!box) throw new Error('no canvas')
  const at = { x: box.x + box.width * 0.6, y: box.y + box.height * 0.6 }
  await desk.page.mouse.move(at.x, at.y)
  await desk.page.mouse.down()
  await desk.page.mouse.move(at.x + 120, at.y + 60, { steps: 8 })
  await desk.page.mouse.up()
  await expect
    .poll(async () => {
      const now = await desk.pixels(2)
      return now.pixels.filter((p, i) => p !== before.pixels[i]).length
    })
    .toBeGreaterThan(100)
})

test('L3 L7 a desktop takes the size of the window, again and again; a fixed one stays', async ({ anna, as }) => {
  await anna.page.setViewportSize({ width: 1280, height: 800 })
  const desk = await open(anna)
  expect(await desk.size()).toBe('1280x800')
  for (const [width, height] of [
    [1000, 700],
    [641, 480],
    [1920, 1080],
  ] as const) {
    await desk.page.setViewportSize({ width, height })
    await expect.poll(() => desk.size()).toBe(`${width & ~1}x${height}`)
    await desk.ready()
  }
  const other = await as('anna')
  await other.page.setViewportSize({ width: 800, height: 600 })
  // On an asset of its own: what is chosen there is remembered.
  const fixed = await open(other, 'desk-plain', { resolution: '1024x768', zoom: 'fit' })
  expect(await fixed.size()).toBe('1024x768')
  const box = await fixed.canvas.boundingBox()
  expect(box?.width).toBeLessThanOrEqual(800)
})

test('C2 J4 a page that is loaded anew has the picture, and what was typed', async ({ anna }) => {
  const desk = await open(anna)
  await desk.page.keyboard.type('before')
  // A page that goes takes along what it has not sent.
  await desk.page.keyboard.press('Control+c')
  await expect.poll(() => clipboard(desk)).toBe('before')
  desk.page.on('dialog', (d) => d.accept())
  await desk.page.reload()
  await desk.ready()
  await desk.page.keyboard.type(' after')
  await desk.page.keyboard.press('Control+c')
  await expect.poll(() => clipboard(desk)).toBe('before after')
})

test('S22 the desktop of a session page is decoded by a Worker', async ({ anna }) => {
  const desk = await open(anna, 'desk-plain')
  await expect
    .poll(() =>
      desk.page.evaluate(() => {
        const session = document.querySelector('sp-session') as unknown as {
          desk?: { stats(): { thread: string; decoder: string; faults: number } | undefined }
        }
        const s = session.desk?.stats()
        return s && `${s.thread} ${s.decoder} ${s.faults}`
      }),
    )
    .toBe('worker wasm-simd 0')
})

test('S09 a target that is not there says so', async ({ anna }) => {
  await anna.page.goto(await anna.launch('desk-stranger'))
  await expect(anna.page.getByRole('heading', { name: 'The target does not answer' })).toBeVisible()
})

test('I21 C1 keys that the browser keeps are in the toolbar; the end says that the desktop goes on', async ({
  anna,
}) => {
  const sent: string[] = []
  anna.page.on('websocket', (ws) =>
    ws.on('framesent', ({ payload }) => {
      if (typeof payload !== 'string' && payload[0] === 0x81) sent.push(payload.subarray(6).toString('hex'))
    }),
  )
  const desk = await open(anna)
  const { page } = desk
  await page.getByRole('button', { name: /^Open the session toolbar/ }).click({ position: { x: 30, y: 2 } })
  const bar = page.getByRole('toolbar', { name: 'Session toolbar' })
  await expect(bar.getByRole('button', { name: 'Display' })).toBeVisible()
  await bar.getByRole('button', { name: 'Send keys' }).click()
  await expectAccessible(page)
  await page.getByRole('dialog', { name: 'Send keys' }).getByRole('button', { name: 'Ctrl + Alt + Del' }).click()
  await expect.poll(() => sent.join('')).toContain('0101001d010100380101e0530100e053010000380100001d')
  await bar.getByRole('button', { name: 'Disconnect' }).click()
  await expect(page.getByText('On the target you stay signed in')).toBeVisible()
  await expectAccessible(page)
})

test('L7 a desktop fills the screen, gets the keys that the browser keeps, and gives both back', async ({ anna }) => {
  const desk = await open(anna)
  const { page } = desk
  await page.evaluate(() => {
    const calls: string[] = []
    Object.assign(window, { calls })
    Object.defineProperty(navigator, 'keyboard', {
      value: { lock: async () => void calls.push('lock'), unlock: () => void calls.push('unlock') },
    })
  })
  const calls = () => page.evaluate(() => (window as unknown as { calls: string[] }).calls)
  const full = () => page.evaluate(() => document.fullscreenElement?.localName)
  await page.getByRole('button', { name: /^Open the session toolbar/ }).click({ position: { x: 30, y: 2 } })
  const bar = page.getByRole('toolbar', { name: 'Session toolbar' })
  await bar.getByRole('button', { name: 'Full screen', exact: true }).click()
  await expect.poll(full).toBe('sp-session')
  await expect.poll(calls).toEqual(['lock'])
  await expectAccessible(page)
  await bar.getByRole('button', { name: 'Leave full screen' }).click()
  await expect.poll(full).toBeUndefined()
  await expect.poll(calls).toEqual(['lock', 'unlock'])
  await page.keyboard.type('zurück')
  await page.keyboard.press('Control+c')
  await expect.poll(() => clipboard(desk)).toBe('zurück')
})
