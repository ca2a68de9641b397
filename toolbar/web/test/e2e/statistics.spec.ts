import type { Page } from '@playwright/test'
import { expectAccessible } from './axe.js'
import { DeskPage, expect, test } from './desk-test.js'

const figure = async (page: Page, id: string): Promise<string> =>
  (await page.locator(`sp-statistics [data-id=${id}]`).textContent()) ?? ''

const number = async (page: Page, id: string): Promise<number> =>
  Number.parseFloat((await figure(page, id)).replaceAll(',', '')) || 0

/** The chord, with S. */
async function chord(page: Page): Promise<void> {
  const keys = ['ControlLeft', 'AltLeft', 'ShiftLeft', 'KeyS']
  for (const k of keys) await page.keyboard.down(k)
  for (const k of keys.reverse()) await page.keyboard.up(k)
}

test('I7 statistics of a desktop: figures of a picture that moves, out of the way of mouse and keys', async ({
  anna,
}) => {
  const keys: string[] = []
  let clicks = 0
  anna.page.on('websocket', (ws) =>
    ws.on('framesent', ({ payload }) => {
      if (typeof payload === 'string') return
      if (payload[0] === 0x81) keys.push(payload.subarray(6).toString('hex'))
      if (payload[0] === 0x82 && payload.subarray(6, 8).toString('hex') === '0281') clicks++
    }),
  )
  await anna.page.goto(await anna.launch('desk', { resolution: 'fit', zoom: 'fit' }))
  const desk = new DeskPage(anna.page)
  await desk.ready()
  const { page } = desk
  const overlay = page.getByRole('group', { name: 'Statistics' })
  await expect(overlay).toHaveCount(0)
  await page.getByRole('button', { name: /^Open the session toolbar/ }).click({ position: { x: 30, y: 2 } })
  await page.getByRole('toolbar', { name: 'Session toolbar' }).getByRole('button', { name: 'Display' }).click()
  await page.getByRole('dialog', { name: 'Display' }).getByLabel('Show statistics').check()
  await expect(overlay).toBeVisible()
  await page.keyboard.press('Escape')
  await page.keyboard.press('Escape')

  await page.mouse.move(700, 300)
  await page.mouse.down()
  let turn = 0
  const drawing = async <T>(read: () => Promise<T>): Promise<T> => {
    for (let i = 0; i < 12; i++, turn++) await page.mouse.move(700 + (turn % 40) * 10, 300 + (turn % 23) * 12)
    return read()
  }
  for (const id of ['round_trip', 'frames', 'decode', 'received']) {
    await expect.poll(() => drawing(() => number(page, id)), id).toBeGreaterThan(0)
  }
  await page.mouse.up()
  await expect
    .poll(async () => {
      await page.keyboard.press('a')
      return number(page, 'input')
    }, 'from a key to its letter')
    .toBeGreaterThan(0)
  expect(await figure(page, 'gateway')).toBe('e2e-gw-1')
  expect(await figure(page, 'codec')).toMatch(/Raw|RLE|Planar|NSCodec|RemoteFX/)
  expect(await figure(page, 'size')).toBe('1280 × 800 at 100 %')
  await expectAccessible(page)

  // What is below it takes the mouse; the focus stays in the session.
  const box = await overlay.boundingBox()
  if (!box) throw new Error('no overlay')
  const before = clicks
  await page.mouse.click(box.x + 40, box.y + box.height - 20)
  await expect.poll(() => clicks).toBe(before + 1)
  await overlay.getByRole('button', { name: 'Hide statistics' }).click()
  await expect(overlay).toHaveCount(0)
  keys.length = 0
  await page.keyboard.press('x')
  await expect.poll(() => keys.join('')).toContain('0101002d')

  // Left Ctrl+Alt+Shift with S brings it back, and the target has no S; a reload keeps it.
  keys.length = 0
  await chord(page)
  await expect(overlay).toBeVisible()
  expect(keys.join('')).not.toContain('0101001f')
  await expect(page.getByRole('toolbar', { name: 'Session toolbar' })).toHaveCount(0)
  page.on('dialog', (d) => d.accept())
  await page.reload()
  await expect(overlay).toBeVisible()
})

test('I7 statistics of a terminal: the way and what comes', async ({ anna }) => {
  const session = await anna.open('shell')
  const { page } = anna
  await chord(page)
  await expect(page.getByRole('group', { name: 'Statistics' })).toBeVisible()
  await expect.poll(() => number(page, 'round_trip')).toBeGreaterThan(0)
  await page.keyboard.type('while :; do echo $RANDOM; sleep 0.1; done\n')
  await expect.poll(() => number(page, 'received')).toBeGreaterThan(0)
  await page.keyboard.press('Control+c')
  await expect.poll(() => figure(page, 'size')).toMatch(/^\d+ × \d+$/)
  for (const id of ['frames', 'input']) await expect(page.locator(`sp-statistics [data-id=${id}]`)).toHaveCount(0)
  expect(await figure(page, 'gateway')).toBe('e2e-gw-1')
  await session.ready()
})
