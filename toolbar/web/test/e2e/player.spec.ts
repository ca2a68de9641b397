import { readFileSync, writeFileSync } from 'node:fs'
import type { Page } from '@playwright/test'
import type { Desk } from '../../src/desk/desk.js'
import { expectAccessible } from './axe.js'
import { DeskPage, expect, test } from './desk-test.js'

/** The page that plays a recording. */
class PlayerPage {
  constructor(readonly page: Page) {}

  readonly slider = () => this.page.getByRole('slider', { name: 'Position' })

  async open(session: string): Promise<void> {
    await this.page.goto(`/recordings/${session}`)
    await expect(this.slider()).toBeVisible()
  }

  /** Goes to a place by key, and waits until its picture is there. */
  async go(key: 'Home' | 'End' | 'ArrowLeft' | 'ArrowRight'): Promise<void> {
    await this.page.keyboard.press(key)
    await expect(this.page.locator('.seeking')).toHaveCount(0)
  }

  async rows(): Promise<string[]> {
    const rows = await this.page.locator('.xterm-rows > div').allTextContents()
    return rows.map((r) => r.replaceAll('\u00a0', ' ').trimEnd())
  }

  async atEnd(): Promise<boolean> {
    const slider = this.slider()
    return (await slider.inputValue()) === (await slider.getAttribute('max'))
  }
}

/** The desktop that an element of the page shows: its size, and all of its pixels as one number. */
function picture(page: Page, element: 'sp-session' | 'sp-player'): Promise<string> {
  return page.evaluate(async (element) => {
    const shown = document.querySelector(element) as unknown as { desk?: Desk }
    const shot = await shown.desk?.snapshot()
    if (!shot || shot.width === 0) return ''
    let sum = 0
    for (const b of shot.pixels) sum = (Math.imul(sum, 31) + b) | 0
    return `${shot.width}x${shot.height} ${sum}`
  }, element)
}

/** What has decoded the pictures of an element of the page. */
function decoder(page: Page, element: 'sp-session' | 'sp-player'): Promise<string | undefined> {
  return page.evaluate(async (element) => {
    const shown = document.querySelector(element) as unknown as { desk?: Desk }
    return (await shown.desk?.measure())?.decoder
  }, element)
}

/** The hot spot in a value of the property cursor. */
function hotSpot(cursor: string): { x: number; y: number } {
  const [, x, y] = /url\(.*\) (\d+) (\d+)/.exec(cursor) ?? []
  return { x: Number(x ?? 0), y: Number(y ?? 0) }
}

test('R2 R10 a shell is played, sought in and played again, and ends as it was seen', async ({ anna, as, world }) => {
  await anna.page.setViewportSize({ width: 900, height: 600 })
  const session = await anna.open('shell', { locale: 'C.UTF-8' })
  await session.run(`printf '\\033[1;32mgrün\\033[0m 日本語\\n'; for i in 1 2 3; do echo line $i; sleep 0.3; done`)
  await expect(session.rows).toContainText('line 3')
  await session.run('S=$(stty size); echo was $S')
  await expect(session.rows).toContainText(/was \d+ \d+\s*\$/)
  await anna.page.setViewportSize({ width: 700, height: 500 })
  // The terminal follows the window a moment later, and the machine after that.
  await session.run('until [ "$(stty size)" != "$S" ]; do sleep 0.1; done; echo is $(stty size)')
  await expect(session.rows).toContainText(/is \d+ \d+\s*\$/)
  await session.run('exit')
  await expect(session.card(/^You signed out/)).toBeVisible()
  // What came last is drawn when the browser finds the time.
  await expect.poll(async () => (await session.screen()).join('\n')).toMatch(/\$ exit\s+logout\s*$/)
  const seen = await session.screen()
  expect(seen.join('\n')).toContain('line 3')

  const ruth = await as('ruth')
  const { page } = ruth
  await page.goto('/sessions?all=1')
  await page.locator(`tr[data-key="${session.id}"]`).getByRole('link', { name: /^Play/ }).click()
  const player = new PlayerPage(page)
  await expect(player.slider()).toBeVisible()
  await expect(page.getByText('Valid, complete')).toBeVisible()
  expect(world.events()).toContainEqual(
    expect.objectContaining({ verb: 'Play Recording', user: 'ruth', session: session.id, code: 'allowed' }),
  )
  await expectAccessible(page)

  await player.go('End')
  await expect.poll(() => player.rows()).toEqual(seen)
  await player.go('Home')
  await expect.poll(() => player.rows().then((r) => r.join(''))).toBe('')
  await player.go('End')
  await expect.poll(() => player.rows()).toEqual(seen)

  // Played from the begin, as fast as there is, with what happens in between left out where nothing does.
  await player.go('Home')
  await page.getByLabel('16 times').check()
  await page.getByRole('button', { name: 'Play' }).click()
  await expect.poll(() => player.atEnd()).toBe(true)
  await expect(page.getByRole('button', { name: 'Play' })).toBeVisible()
  await expect.poll(() => player.rows()).toEqual(seen)

  // The space bar plays, and stops again where it is.
  await page.getByLabel('0.5 times').check()
  await player.go('Home')
  await page.locator('h1').click()
  await page.keyboard.press(' ')
  await expect(page.getByRole('button', { name: 'Pause' })).toBeVisible()
  await expect.poll(() => player.slider().inputValue().then(Number)).toBeGreaterThan(0)
  await page.keyboard.press(' ')
  await expect(page.getByRole('button', { name: 'Play' })).toBeVisible()
  const at = await player.slider().inputValue()
  expect(await player.atEnd()).toBe(false)
  await page.getByLabel('2 times', { exact: true }).check()
  expect(await player.slider().inputValue()).toBe(at)
})

test('R2 C2 a shell that says much is played from the middle, and shows what it shows from the begin', async ({
  anna,
  as,
}) => {
  const session = await anna.open('shell', { locale: 'C.UTF-8' })
  await session.run(`seq 1 200000; printf '\\033[1;32m%s\\033[0m\\n' half; seq 200001 600000; sleep 2; echo do''ne`)
  await expect(session.rows).toContainText(/done\s*\$\s*$/, { timeout: 60_000 })
  await session.run('exit')
  await expect(session.card(/^You signed out/)).toBeVisible()
  const seen = await session.screen()

  const { page } = await as('ruth')
  const asked: number[] = []
  page.on('request', (r) => {
    const n = /\/segment\/(\d+)$/.exec(r.url())?.[1]
    if (n) asked.push(Number(n))
  })
  const player = new PlayerPage(page)
  await player.open(session.id)
  asked.length = 0
  await player.go('End')
  await expect.poll(() => player.rows()).toEqual(seen)
  expect(asked).not.toContain(2) // the last key frame is behind it
  await player.go('Home')
  await page.getByLabel('16 times').check()
  await page.getByRole('button', { name: 'Play' }).click()
  await expect.poll(() => player.atEnd(), { timeout: 60_000 }).toBe(true)
  await expect.poll(() => player.rows()).toEqual(seen)
})

test('R2 C2 a desktop is played, sought in, and ends as it was seen, pixel for pixel', async ({ anna, as }) => {
  await anna.page.goto(await anna.launch('desk'))
  const desk = new DeskPage(anna.page)
  await desk.ready()
  const id = anna.page.url().split('/').pop() ?? ''
  const box = await desk.canvas.boundingBox()
  if (!box) throw new Error('no canvas')
  await anna.page.mouse.move(box.x + 500, box.y + 400)
  await anna.page.mouse.down()
  await anna.page.mouse.move(box.x + 700, box.y + 500, { steps: 20 })
  await anna.page.mouse.up()
  await anna.page.keyboard.type('hello')
  await anna.page.setViewportSize({ width: 1000, height: 700 })
  await expect.poll(() => desk.size()).toBe('1000x700')
  await desk.ready()
  const end = await anna.context.request.post(`/pam/api/session/${id}/end`, {
    data: {},
    headers: { Origin: new URL(anna.page.url()).origin },
  })
  expect(end.status()).toBe(204)
  await expect(anna.page.getByRole('heading', { name: 'Session disconnected' })).toBeVisible()
  const seen = await picture(anna.page, 'sp-session')

  const { page } = await as('ruth')
  const player = new PlayerPage(page)
  await player.open(id)
  await player.go('End')
  await expect.poll(() => picture(page, 'sp-player')).toBe(seen)
  await expect.poll(() => decoder(page, 'sp-player')).toBe('wasm-simd') // as in the session: the page allows it
  await player.go('Home')
  await expect.poll(() => picture(page, 'sp-player')).not.toBe(seen)
  await player.go('ArrowRight')
  await player.go('End')
  await expect.poll(() => picture(page, 'sp-player')).toBe(seen)
  await player.go('Home')
  await page.getByLabel('16 times').check()
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'Play' }).click()
  await expect.poll(() => player.atEnd()).toBe(true)
  await expect.poll(() => picture(page, 'sp-player')).toBe(seen)
})

test('R2 the pointer is played as it was moved, in the shape that the target gave it', async ({ anna, as }) => {
  await anna.page.goto(await anna.launch('desk'))
  const desk = new DeskPage(anna.page)
  await desk.ready()
  const id = anna.page.url().split('/').pop() ?? ''
  const box = await desk.canvas.boundingBox()
  if (!box) throw new Error('no canvas')
  const { width } = await desk.pixels(1000)
  const places = [
    { x: 120, y: 90 },
    { x: 401, y: 233 },
  ]
  for (const { x, y } of places) {
    await anna.page.mouse.move(box.x + (x * box.width) / width, box.y + (y * box.width) / width)
    await anna.page.keyboard.press('a') // so the move was sent, and something is drawn at its time
    await anna.page.waitForFunction(() => new Promise(requestAnimationFrame))
  }
  const own = await anna.page.locator('.desk').evaluate((e) => getComputedStyle(e).cursor)
  const end = await anna.context.request.post(`/pam/api/session/${id}/end`, {
    data: {},
    headers: { Origin: new URL(anna.page.url()).origin },
  })
  expect(end.status()).toBe(204)
  await expect(anna.page.getByRole('heading', { name: 'Session disconnected' })).toBeVisible()

  const { page } = await as('ruth')
  const player = new PlayerPage(page)
  await player.open(id)
  const pointer = page.locator('.desk .pointer')
  await expect(pointer).toBeHidden()
  await player.go('End')
  await expect(pointer).toBeVisible()
  // The place on the desktop that the hot spot shows.
  const at = () =>
    page.evaluate(
      ({ hot, width }) => {
        const all = document.querySelector('sp-player')?.shadowRoot
        const [picture, drawn] = ['canvas:not(.pointer)', 'canvas.pointer'].map((c) => all?.querySelector(`.desk ${c}`))
        if (!picture || !drawn) return undefined
        const [p, d] = [picture.getBoundingClientRect(), drawn.getBoundingClientRect()]
        const times = p.width / width
        return { x: Math.round((d.left - p.left) / times + hot.x), y: Math.round((d.top - p.top) / times + hot.y) }
      },
      { hot: hotSpot(own), width },
    )
  await expect.poll(at).toEqual(places[1])
  await player.go('Home')
  await expect(pointer).toBeHidden()
})

test('R2 R5 S24 S44 a recording that was changed is played up to the change, with words, or not at all', async ({
  anna,
  as,
  world,
}) => {
  const session = await anna.open('shell')
  await session.run('echo first')
  await expect(session.rows).toContainText(/first\s*\$\s*$/)
  await session.run('exit')
  await expect(session.card(/^You signed out/)).toBeVisible()
  const file = world.recording(session.id)
  const good = readFileSync(file)
  const change = (at: number): void => {
    const bad = Buffer.from(good)
    bad[at] = (bad[at] ?? 0) ^ 1
    writeFileSync(file, bad)
  }
  const { page } = await as('ruth')
  const player = new PlayerPage(page)
  change(good.length - 200)
  await player.open(session.id)
  await expect(page.getByRole('alert')).toContainText('does not match what was written')
  await expect(page.getByText(/^Broken at/)).toBeVisible()
  await player.go('End')
  await expect.poll(() => player.rows().then((r) => r.join('\n'))).toContain('first')
  await expectAccessible(page)

  // Changed after it was checked.
  change(-1)
  await page.goto(`/recordings/${session.id}`)
  await expect(page.getByText('Valid, complete')).toBeVisible()

  change(60)
  await page.goto(`/recordings/${session.id}`)
  await expect(page.getByRole('heading', { name: 'The recording is damaged' })).toBeVisible()
  await expect(player.slider()).toHaveCount(0)
  await expectAccessible(page)
})
