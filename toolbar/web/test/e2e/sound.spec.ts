import type { Page } from '@playwright/test'
import type { SpSession } from '../../src/elements/sp-session.js'
import { expectAccessible } from './axe.js'
import { DeskPage } from './desk-test.js'
import { test as base, expect, type Person, worldOf } from './fixtures.js'
import { everything, type Target, World } from './world.js'

/** A portal with desktops that sound while their button is held, for those who may hear it and for those who may not. */
class SoundWorld extends World {
  protected override async settings(t: Target) {
    const s = await super.settings(t)
    const desk = (id: string) => ({ id, type: 'windows', parent: 'lab', demo: true })
    return {
      ...s,
      asset_types: [...s.asset_types, { id: 'windows', name: 'Windows server', protocol: 'rdp', os: 'windows' }],
      assets: [...s.assets, desk('loud'), desk('deaf')],
      profiles: [...s.profiles, { id: 'loud', declarations: { ...everything, audio: 'allow' } }],
      assignments: [...s.assignments, { profile: 'loud', to: 'group:operators', on: 'loud' }],
    }
  }
}

const test = base.extend({ world: worldOf(() => new SoundWorld()) })

/** What goes over the page's socket: frames of sound, and what the page says of listening. */
function socket(page: Page): { sounds: number; listens: number[] } {
  const seen = { sounds: 0, listens: [] as number[] }
  page.on('websocket', (ws) => {
    ws.on('framereceived', ({ payload }) => {
      for (let at = 0; typeof payload !== 'string' && at < payload.length; at += 6 + payload.readUInt32BE(at + 2)) {
        if (payload[at] === 0x14) seen.sounds++
      }
    })
    ws.on('framesent', ({ payload }) => {
      if (typeof payload !== 'string' && payload[0] === 0x8a) seen.listens.push(payload[6] ?? -1)
    })
  })
  return seen
}

async function open(who: Person, asset: string, params: Record<string, string>): Promise<DeskPage> {
  await who.page.goto(await who.launch(asset, params))
  const desk = new DeskPage(who.page)
  await desk.ready()
  return desk
}

/** Holds the desktop's button, or lets it go. */
async function button({ page, canvas }: DeskPage, down: boolean): Promise<void> {
  const box = await canvas.boundingBox()
  if (!box) throw new Error('no canvas')
  await page.mouse.move(box.x + box.width - 100, box.y + 134)
  await (down ? page.mouse.down() : page.mouse.up())
}

/** The loudest pitch of what the page plays, in Hz; 0: nothing. */
function pitch(page: Page): Promise<number> {
  return page.evaluate(async () => {
    const session = document.querySelector<SpSession>('sp-session')
    const output = session?.sound?.output
    if (!output) return 0
    const analyser = new AnalyserNode(output.context, { fftSize: 8192, smoothingTimeConstant: 0 })
    output.connect(analyser)
    const until = output.context.currentTime + 0.3 // more than what it looks at
    while (output.context.state === 'running' && output.context.currentTime < until) {
      await new Promise((done) => setTimeout(done, 10))
    }
    const bins = new Float32Array(analyser.frequencyBinCount)
    analyser.getFloatFrequencyData(bins)
    output.disconnect(analyser)
    const most = bins.indexOf(Math.max(...bins))
    return (bins[most] ?? -1000) > -60 ? (most * output.context.sampleRate) / analyser.fftSize : 0
  })
}

async function panel(page: Page) {
  await page.getByRole('button', { name: /^Open the session toolbar/ }).click({ position: { x: 30, y: 2 } })
  const bar = page.getByRole('toolbar', { name: 'Session toolbar' })
  await bar.getByRole('button', { name: 'Sound', exact: true }).click()
  return page.getByRole('dialog', { name: 'Sound' })
}

test('I7 L3 what a desktop plays is heard: after a gesture, until it is muted, and again', async ({ anna }) => {
  const { page } = anna
  // Playwright looks at a page in the user's name, which counts as a gesture: here only those count that reach the page.
  await page.addInitScript(() => {
    let active = false
    window.addEventListener(
      'pointerdown',
      () => {
        active = true
      },
      { capture: true },
    )
    Object.defineProperty(navigator, 'userActivation', {
      value: {
        get hasBeenActive() {
          return active
        },
      },
    })
  })
  const seen = socket(page)
  const desk = await open(anna, 'loud', { audio: 'true' })
  await expect(page.getByText('Your browser holds the sound back')).toBeVisible()
  expect(seen.listens).toEqual([])

  await button(desk, true)
  await expect.poll(() => seen.listens).toEqual([1])
  const hears = (hertz: number) => expect.poll(() => pitch(page).then((p) => Math.abs(p - hertz) < 15)).toBe(true)
  await expect(page.getByText('Your browser holds the sound back')).toHaveCount(0)
  await hears(440)
  await button(desk, false)
  await expect.poll(() => pitch(page)).toBe(0)
  await button(desk, true)
  await hears(554) // the button's next colour
  await button(desk, false)

  const dialog = await panel(page)
  await dialog.getByRole('slider', { name: 'Volume' }).fill('40')
  await expect(dialog.getByText('40 %')).toBeVisible()
  await expectAccessible(page)
  await dialog.getByRole('checkbox', { name: 'Mute' }).check()
  await expect.poll(() => seen.listens).toEqual([1, 0])
  const context = () =>
    page.evaluate(() => document.querySelector<SpSession>('sp-session')?.sound?.output?.context.state)
  await expect.poll(context).toBe('suspended')
  await page.keyboard.press('Escape')
  await page.keyboard.press('Escape')

  const before = seen.sounds
  await button(desk, true)
  const drawn = await desk.pixels(3)
  await button(desk, false)
  await expect.poll(async () => (await desk.pixels(3)).pixels.some((p, i) => p !== drawn.pixels[i])).toBe(true)
  expect(seen.sounds).toBe(before)

  const again = await panel(page)
  await again.getByRole('checkbox', { name: 'Mute' }).uncheck()
  await expect.poll(() => seen.listens).toEqual([1, 0, 1])
  await page.keyboard.press('Escape')
  await page.keyboard.press('Escape')
  await button(desk, true)
  await hears(880)
  await button(desk, false)
  const stats = await page.evaluate(() => document.querySelector<SpSession>('sp-session')?.sound?.stats())
  expect(stats?.played).toBeGreaterThan(500)
  expect([stats?.refused, typeof stats?.dropped, typeof stats?.lost]).toEqual([0, 'number', 'number'])
})

test('I7 there is no sound where the policy denies it, nor where nobody asked for it', async ({ anna, as }) => {
  for (const [who, asset] of [
    [anna, 'deaf'],
    [await as('anna'), 'loud'],
  ] as const) {
    const seen = socket(who.page)
    const desk = await open(who, asset, asset === 'loud' ? { audio: 'false' } : {}) // not as the last time
    await button(desk, true)
    await button(desk, false)
    await who.page.getByRole('button', { name: /^Open the session toolbar/ }).click({ position: { x: 30, y: 2 } })
    const bar = who.page.getByRole('toolbar', { name: 'Session toolbar' })
    await expect(bar.getByRole('button', { name: 'Disconnect' })).toBeVisible()
    const names = await bar.getByRole('button').allInnerTexts() // at once: a bar that has closed has none
    expect(names).toContain('Disconnect')
    expect(names).not.toContain('Sound')
    expect([seen.sounds, seen.listens]).toEqual([0, []])
    expect(await who.page.evaluate(() => document.querySelector<SpSession>('sp-session')?.sound)).toBeUndefined()
  }
  const refused = await anna.context.request.post(`/pam/api/asset/deaf/sessions`, {
    data: { params: { audio: 'true' } },
    headers: { Origin: new URL(anna.page.url()).origin },
  })
  expect(refused.status()).toBe(422)
})

test('I7 the panel of sound, as it looks', async ({ anna }, info) => {
  const { page } = anna
  await open(anna, 'loud', { audio: 'true' })
  await panel(page)
  await page.screenshot({ path: info.outputPath('sound.png') })
  await page.setViewportSize({ width: 390, height: 844 })
  await page.screenshot({ path: info.outputPath('phone.png') })
})
