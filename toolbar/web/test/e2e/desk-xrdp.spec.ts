import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expectAccessible } from './axe.js'
import { FilesPage } from './files-page.js'
import { expectPinned, launcher } from './launcher.js'
import { colours } from './picture.js'
import { expect, joinAside, openReal, pins, RealDesk, testOn } from './real-test.js'
import { expectFile, SessionPage } from './session.js'

const test = testOn('xrdp')

/** A picture of the X bitmap format that nothing makes smaller; a linear congruential generator decides. */
function noise(home: string, seed: number): string {
  const side = 256
  const file = join(home, `noise-${seed}.xbm`)
  let x = seed
  const bytes = Array.from({ length: (side * side) / 8 }, () => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0
    return `0x${(x >>> 24).toString(16).padStart(2, '0')}`
  })
  writeFileSync(
    file,
    `#define n_width ${side}\n#define n_height ${side}\nstatic char n_bits[] = {\n${bytes.join(',')}};\n`,
  )
  return file
}

test('C2 the page shows what a real xrdp’s display does, pixel for pixel, and again after a reload', async ({
  anna,
  world,
}) => {
  const desk = await openReal(anna, world)
  // The chart of the terminal has all of them.
  await expect.poll(async () => colours(await desk.right())).toBeGreaterThan(200)
  desk.page.on('dialog', (d) => d.accept())
  await desk.page.reload()
  await desk.right()
})

test('L7 what is typed, drawn and turned reaches a program on a real xrdp', async ({ anna, world }) => {
  const { server } = world
  const { home } = await server.about
  const desk = await openReal(anna, world)
  await desk.type(`echo 'Hallo "Welt" ~{[|]}\\@^' >typed`)
  await expectFile(`${home}/typed`, `Hallo "Welt" ~{[|]}\\@^`)
  await desk.right()
  // A stroke from the first letter of a word to the space behind it selects the word.
  await desk.type('clear; echo; echo "The quick brown fox"')
  await desk.right()
  const from = await desk.at(22 + 4 * 6 + 3, 22 + 13 + 6)
  const to = await desk.at(22 + 9 * 6 + 3, 22 + 13 + 6)
  await desk.page.mouse.move(from.x, from.y)
  await desk.page.mouse.down()
  await desk.page.mouse.move(to.x, to.y, { steps: 5 })
  await desk.page.mouse.up()
  await expect.poll(() => server.run('timeout', '10', 'xclip', '-o', '-selection', 'primary')).toBe('quick')
  await desk.right()
  // The terminal says which way the wheel was turned: buttons 4 and 5 of X. It has heard the wish when it answers what came behind.
  await server.sh(
    `printf '%s' "stty raw -echo; printf '\\\\033[?1000h\\\\033[5n'; head -c 4 >answered; : >asked; head -c 12 | od -An -c -w6 >turned; printf '\\\\033[?1000l'; stty sane" >wheel.sh`,
  )
  await desk.point()
  await desk.type('sh wheel.sh')
  await expectFile(`${home}/asked`, '')
  await desk.page.mouse.wheel(0, -120)
  await desk.page.mouse.wheel(0, 120)
  await expectFile(`${home}/turned`, /^033 +\[ +M +` .*\n *033 +\[ +M +a /)
})

test('L3 L7 a real xrdp’s desktop takes the sizes of the window, and the picture is right in each', async ({
  anna,
  world,
}) => {
  await anna.page.setViewportSize({ width: 1280, height: 800 })
  const desk = await openReal(anna, world)
  for (const [width, height] of [
    [1000, 700],
    [640, 480],
    [1600, 900],
  ] as const) {
    await desk.page.setViewportSize({ width, height })
    await expect.poll(() => world.server.run('xrandr'), { timeout: 60_000 }).toContain(`current ${width} x ${height},`)
    const shown = await desk.right()
    expect([shown.width, shown.height]).toEqual([width, height])
  }
})

test('S20 I6 I7 text goes from the browser’s clipboard to programs on a real xrdp, and back', async ({
  anna,
  world,
}) => {
  const { server } = world
  const desk = await openReal(anna, world)
  const { page } = desk
  const there = 'from here: Grüße, 12 €, 日本'
  await page.evaluate((text) => navigator.clipboard.writeText(text), there)
  await page.keyboard.press('Control+v')
  const clip = ['xclip', '-selection', 'clipboard']
  await expect.poll(() => server.run('timeout', '10', ...clip, '-o').catch(() => '')).toBe(there)
  const back = 'from there: Grüße, 13 €\nzweite Zeile'
  const held = server.sh(`printf '%s' '${back}' | timeout 60 xclip -quiet -selection clipboard -i`).catch(() => '')
  await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toBe(back)
  await page.evaluate((text) => navigator.clipboard.writeText(text), 'over')
  await page.keyboard.press('Control+v') // ends xclip, which owns the selection for as long as nobody else does
  await held
  await page.keyboard.press('Control+c') // the terminal has got the keys too
})

test('I11 files go to programs on a real xrdp by the drive, and come back', async ({ anna, world }) => {
  const { server } = world
  await openReal(anna, world, 'drive')
  const files = new FilesPage(anna.page)
  await files.open()
  await files.upload({ name: 'hin.txt', buffer: Buffer.from('Grüße vom Browser\n') })
  expect(await files.over('hin.txt')).toBe('allowed')
  const there = () => server.sh('cat thinclient_drives/Files/hin.txt').catch(() => '')
  await expect.poll(there).toBe('Grüße vom Browser\n')
  await server.sh('cd thinclient_drives/Files && tr a-z A-Z <hin.txt >her.txt')
  await files.act('Refresh').click()
  const back = await files.download('her.txt')
  expect(back.bytes.toString()).toBe('GRüßE VOM BROWSER\n')
})

test('C1 signing out on a real xrdp ends the session as such, and the next one is a new desktop', async ({
  anna,
  world,
}) => {
  const desk = await openReal(anna, world)
  const session = new SessionPage(desk.page)
  const { id } = desk
  await desk.type('exit')
  await expect(session.card('You signed out of Leitstand')).toBeVisible()
  await expect(desk.page.getByText('remote_logoff')).toBeVisible()
  await expect
    .poll(() => world.events().filter((e) => e.session === id && e.verb === 'Complete Session'))
    .toMatchObject([{ reason: 'remote_logoff' }])
  await desk.page.getByRole('button', { name: 'Start again' }).click()
  await desk.right()
})

test('S26 J4 who joins on a slow line has the right picture in the end, and slows nobody', async ({
  anna,
  world,
  browser,
}) => {
  const { home } = await world.server.about
  await anna.page.setViewportSize({ width: 640, height: 480 })
  const owner = await openReal(anna, world, 'shared')
  const joiner = await joinAside(browser, world, owner.id)
  world.aside.pace(64 << 10)
  for (const seed of [1, 2, 3]) {
    await world.server.run('xsetroot', '-bitmap', noise(home, seed), '-fg', 'red', '-bg', 'green')
    await owner.right()
    await owner.type(`echo ${seed}`)
    await owner.right()
  }
  world.aside.pace(0)
  await owner.type('clear; echo last')
  await owner.right()
  world.aside.pace(64 << 10)
  await joiner.right()
  await owner.right()
  world.aside.pace(Number.POSITIVE_INFINITY)
  await joiner.page.context().close()
})

test('L3 pinned parameters of a desktop are shown, cannot be changed, and hold past the page', async ({
  anna,
  world,
}) => {
  const dialog = await launcher(anna, 'fixed')
  await expectPinned(dialog, {
    Resolution: pins.resolution,
    'Colour depth': pins.color_depth,
    Wallpaper: pins.wallpaper,
    'Keyboard layout': pins.keyboard_layout,
  })
  await expect(dialog.getByLabel('Picture')).toBeEnabled()
  await expectAccessible(anna.page)

  for (const [field, value] of [
    ['resolution', 'fit'],
    ['color_depth', '32'],
    ['keyboard_layout', 'en-us'],
  ] as const) {
    const r = await anna.context.request.post('/pam/api/asset/fixed/sessions', {
      data: { params: { ...pins, [field]: value } },
      headers: { Origin: world.url },
    })
    expect(r.status()).toBe(422)
    expect(await r.json()).toMatchObject({ error: { code: 'invalid_param', field } })
  }

  await dialog.getByLabel('Picture').selectOption('lossless')
  const opened = anna.context.waitForEvent('page')
  await dialog.getByRole('button', { name: 'Access', exact: true }).click()
  const desk = new RealDesk(await opened, world.server)
  const shown = await desk.right()
  expect(`${shown.width}x${shown.height}`).toBe(pins.resolution)
  expect(await world.server.run('xrandr')).toContain('current 1024 x 768,')
})
