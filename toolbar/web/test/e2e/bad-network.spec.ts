import { DeskPage, expect, test } from './desk-test.js'
import { expectFile, type SessionPage } from './session.js'

/** Half of the round trip that S40 names. */
const DELAY = 150

const lost = /Connection lost, trying again|Reconnecting/

test.beforeEach(({ world }) => {
  world.network.delay = DELAY
})

test.afterEach(({ world }) => {
  world.network.delay = 0
  world.network.mend()
})

test('S40 keys that are typed faster than they are echoed arrive in order, before and after a break', async ({
  anna,
  world,
}) => {
  const session: SessionPage = await anna.open('shell')
  const { page } = session
  const file = world.marker('typed')
  for (const text of ['the quick brown fox, 0123456789', 'jumps over the lazy dog, 9876543210']) {
    await session.run(`echo ${text} > ${file}`)
    await expectFile(file, text)
    world.network.cut()
    await expect(page.getByText(lost).first()).toBeVisible()
    await session.focus()
    await page.keyboard.type(`echo never > ${file}`)
    world.network.mend()
    await expect(page.getByText(lost)).toHaveCount(0)
    await session.focus()
  }
  await expect(session.rows).toContainText('jumps over the lazy dog')
  await expect(session.rows).not.toContainText('echo never')
})

test('S40 a key and a button that are held when the network breaks are held no more when it is back', async ({
  anna,
  world,
}) => {
  await anna.context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: world.url })
  await anna.page.goto(await anna.launch('desk'))
  const desk = new DeskPage(anna.page)
  await desk.ready()
  const { keyboard, mouse } = desk.page
  await keyboard.type('abc')
  const copied = async () => {
    await keyboard.press('Control+c')
    return desk.page.evaluate(() => navigator.clipboard.readText())
  }
  await expect.poll(copied).toBe('abc') // what is under way when the network breaks is lost
  const box = await desk.canvas.boundingBox()
  if (!box) throw new Error('no canvas')
  const at = { x: box.x + box.width * 0.6, y: box.y + box.height * 0.6 }
  await mouse.move(at.x, at.y)
  const drag = { x: Math.round(at.x - box.x) - 40, y: Math.round(at.y - box.y) - 5, width: 30, height: 10 }
  const clean = await desk.part(drag)
  await keyboard.down('Shift')
  await mouse.down()
  await mouse.move(at.x - 60, at.y, { steps: 4 })
  await expect.poll(() => desk.part(drag)).not.toEqual(clean) // both are down there
  world.network.cut()
  await expect(desk.page.getByText(lost).first()).toBeVisible()
  await keyboard.up('Shift') // which the target does not hear
  await mouse.up()
  await keyboard.type('x') // nor this: it is meant for a picture that stands still
  world.network.mend()
  await expect(desk.page.getByText(lost)).toHaveCount(0)
  const way = { x: Math.round(at.x - box.x) + 20, y: Math.round(at.y - box.y), width: 80, height: 60 }
  const before = await desk.part(way)
  expect(before).toHaveLength(way.width * way.height)
  await mouse.move(at.x + 120, at.y + 60, { steps: 4 }) // draws a line if the button is still held
  await mouse.click(at.x, at.y + 100) // gives the desktop the focus
  await keyboard.type('d')
  await expect.poll(copied).toBe('abcd')
  expect(await desk.part(way)).toEqual(before)
})
