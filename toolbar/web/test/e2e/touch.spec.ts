import type { CDPSession, Page } from '@playwright/test'
import { test as base, DeskPage, expect } from './desk-test.js'

// Fingers on a desktop, as Chromium makes them of touch events: what the page sends, and what the desktop makes of it.

interface Event {
  kind: number
  flags: number
  x: number
  y: number
  delta: number
}

/** Events of the mouse that the page has sent. */
function pointer(page: Page): Event[] {
  const sent: Event[] = []
  page.on('websocket', (ws) =>
    ws.on('framesent', ({ payload }) => {
      if (typeof payload === 'string' || payload[0] !== 0x82) return
      for (let at = 6; at + 8 <= payload.length; at += 8) {
        sent.push({
          kind: payload.readUInt8(at),
          flags: payload.readUInt8(at + 1),
          x: payload.readUInt16BE(at + 2),
          y: payload.readUInt16BE(at + 4),
          delta: payload.readInt16BE(at + 6),
        })
      }
    }),
  )
  return sent
}

interface Hand {
  desk: DeskPage
  sent: Event[]
  cdp: CDPSession
  /** Puts fingers where they are now: all that touch; none lifts them all. */
  fingers(type: 'touchStart' | 'touchMove' | 'touchEnd', ...at: [x: number, y: number][]): Promise<void>
  /** Puts a finger down and lifts it, without a word in between: a busy machine would make a long press of it. */
  tap(at: [x: number, y: number]): Promise<void>
}

const test = base.extend<{ hand: Hand }>({
  hand: async ({ anna }, use) => {
    const page = anna.page
    const cdp = await anna.context.newCDPSession(page)
    await cdp.send('Emulation.setTouchEmulationEnabled', { enabled: true, maxTouchPoints: 5 })
    const sent = pointer(page)
    await page.goto(await anna.launch('desk'))
    const desk = new DeskPage(page)
    await desk.ready()
    const fingers: Hand['fingers'] = async (type, ...at) => {
      await cdp.send('Input.dispatchTouchEvent', { type, touchPoints: at.map(([x, y], id) => ({ x, y, id })) })
    }
    await use({
      desk,
      sent,
      cdp,
      fingers,
      tap: async (at) => {
        await Promise.all([fingers('touchStart', at), fingers('touchEnd')])
      },
    })
  },
})

/** Buttons that were pressed (0x80) or let go, in order. */
const buttons = (sent: Event[]): number[] => sent.filter((e) => e.kind === 2).map((e) => e.flags)

/** Expects that a part of the desktop changes. */
async function changes(desk: DeskPage, act: () => Promise<void>): Promise<void> {
  const before = await desk.pixels(3)
  await act()
  await expect
    .poll(async () => (await desk.pixels(3)).pixels.filter((p, i) => p !== before.pixels[i]).length)
    .toBeGreaterThan(150) // more than the clock
}

const BUTTON: [number, number] = [1180, 134]
const LIST: [number, number] = [150, 500]
const CANVAS: [number, number] = [800, 500]

test('L7 a tap clicks where it is', async ({ hand: { desk, sent, tap } }) => {
  await changes(desk, () => tap(BUTTON))
  await expect.poll(() => buttons(sent)).toEqual([0x81, 0x01])
  expect(sent.filter((e) => e.kind === 2).map((e) => [e.x, e.y])).toEqual([BUTTON, BUTTON])
})

test('L7 a long press is the right button, once, and lifting the finger adds nothing', async ({
  hand: { sent, fingers, tap },
}) => {
  await fingers('touchStart', CANVAS)
  await expect.poll(() => buttons(sent)).toEqual([0x82, 0x02])
  await fingers('touchEnd')
  await tap(CANVAS)
  await expect.poll(() => buttons(sent)).toEqual([0x82, 0x02, 0x81, 0x01])
})

test('L7 a finger that moves draws', async ({ hand: { desk, sent, fingers } }) => {
  const [x, y] = CANVAS
  await changes(desk, async () => {
    await fingers('touchStart', [x, y])
    for (let i = 1; i <= 10; i++) await fingers('touchMove', [x + 20 * i, y + 8 * i])
    await fingers('touchEnd')
  })
  await expect.poll(() => buttons(sent)).toEqual([0x81, 0x01])
})

test('L7 two fingers turn the wheel, and press nothing', async ({ hand: { desk, sent, fingers } }) => {
  const [x, y] = LIST
  await changes(desk, async () => {
    await fingers('touchStart', [x, y], [x + 60, y])
    for (let i = 1; i <= 12; i++) await fingers('touchMove', [x, y - 20 * i], [x + 60, y - 20 * i])
    await fingers('touchEnd')
  })
  const turns = sent.filter((e) => e.kind === 3)
  expect(turns.length).toBeGreaterThan(0)
  expect(turns.every((e) => e.delta < 0)).toBe(true) // the list follows the fingers up
  expect(buttons(sent)).toEqual([])
})

test('I7 L7 a pinch makes the picture larger, and neither clicks nor turns the wheel', async ({
  hand: { desk, sent, fingers, tap },
}) => {
  const percent = () =>
    desk.page.evaluate(() => {
      const session = document.querySelector('sp-session') as unknown as { desk: { picture(): { percent: number } } }
      return Math.round(session.desk.picture().percent)
    })
  const before = await percent()
  const [x, y] = CANVAS
  await fingers('touchStart', [x - 20, y], [x + 20, y])
  for (let i = 1; i <= 10; i++) await fingers('touchMove', [x - 20 - 10 * i, y], [x + 20 + 10 * i, y])
  await fingers('touchEnd')
  await expect.poll(percent).toBe(200) // six times as far apart, and no larger than the largest
  expect(before).toBe(100)
  await tap(CANVAS)
  await expect.poll(() => buttons(sent)).toEqual([0x81, 0x01]) // of the tap that came after
  // What the fingers lay on has stayed below them.
  expect(sent.filter((e) => e.kind === 2).map((e) => Math.hypot(e.x - x, e.y - y) < 3)).toEqual([true, true])
  expect(sent.filter((e) => e.kind === 3 || e.kind === 4)).toEqual([])
  await fingers('touchStart', [x - 150, y], [x + 150, y])
  for (let i = 1; i <= 12; i++) await fingers('touchMove', [x - 150 + 10 * i, y], [x + 150 - 10 * i, y])
  await fingers('touchEnd')
  await expect.poll(percent).toBe(100)
})
