import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expectAccessible } from './axe.js'
import { test as base, DeskPage, DeskWorld, expect } from './desk-test.js'
import { FilesPage } from './files-page.js'
import { type Person, worldOf } from './fixtures.js'
import { everything, type Target } from './world.js'

/** A portal whose people may carry files, each way as the profile of the asset says. */
class FilesWorld extends DeskWorld {
  protected override async settings(t: Target) {
    const settings = await super.settings(t)
    const both = { ...everything, file_upload: 'record', file_download: 'record', file_delete: 'allow' }
    return {
      ...settings,
      profiles: [
        ...settings.profiles,
        { id: 'files', declarations: both },
        { id: 'files-down', declarations: { ...everything, file_download: 'allow' } },
      ],
      assignments: [
        ...settings.assignments,
        { profile: 'files', to: 'group:operators', on: 'shell' },
        { profile: 'files', to: 'group:operators', on: 'desk' },
        { profile: 'files-down', to: 'group:operators', on: 'locked' },
      ],
    }
  }
}

const test = base.extend<{ dir: string }, object>({
  world: worldOf(() => new FilesWorld()),

  // A folder of the target, which is this machine.
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixtures' names from the pattern
  dir: async ({}, use) => {
    const dir = mkdtempSync(join(tmpdir(), 'files-e2e-'))
    await use(dir)
    rmSync(dir, { recursive: true, force: true })
  },
})

const sha = (b: Buffer): string => createHash('sha256').update(b).digest('hex')

async function openShell(who: Person, asset = 'shell'): Promise<FilesPage> {
  await who.open(asset)
  return new FilesPage(who.page)
}

test('I11 I12 S18 files go to a machine and come back, byte for byte', async ({ anna, dir }) => {
  const files = await openShell(anna)
  await files.open()
  await files.go(dir)
  const data = randomBytes(5_000_003)
  const odd = { name: 'über "uns" <b>.bin', buffer: Buffer.from('odd') }
  await files.upload({ name: 'data.bin', buffer: data }, odd)
  expect(await files.over('data.bin')).toBe('allowed')
  expect(await files.over('über')).toBe('allowed')
  expect(sha(readFileSync(join(dir, 'data.bin')))).toBe(sha(data))
  expect(readdirSync(dir).sort()).toEqual(['data.bin', odd.name].sort())
  await expect(files.panel.locator('.job[data-code] .mono').last()).toHaveAttribute('title', `SHA-256 ${sha(data)}`)

  const back = await files.download('data.bin')
  expect(back.name).toBe('data.bin')
  expect(sha(back.bytes)).toBe(sha(data))
  const oddBack = await files.download(odd.name)
  expect(oddBack.bytes.toString()).toBe('odd')
  expect(oddBack.name).toMatch(/^über _uns_ _b_\.bin$/)
})

test('I11 files go to the drive of a desktop and come back, byte for byte', async ({ anna }) => {
  await anna.page.goto(await anna.launch('desk'))
  await new DeskPage(anna.page).ready()
  const files = new FilesPage(anna.page)
  await files.open()
  await expect(files.panel).toContainText('There is nothing in this folder.')
  const data = randomBytes(3_000_001)
  await files.upload({ name: 'bericht.pdf', buffer: data })
  expect(await files.over('bericht.pdf')).toBe('allowed')
  const back = await files.download('bericht.pdf')
  expect(sha(back.bytes)).toBe(sha(data))
})

test('I12 folders are made, names changed, files dropped, replaced and deleted', async ({ anna, dir }) => {
  writeFileSync(join(dir, 'one.txt'), 'first')
  writeFileSync(join(dir, '.hidden'), 'x')
  const files = await openShell(anna)
  await files.open()
  await files.go(dir)
  await expect(files.name('one.txt')).toBeVisible()
  await expect(files.name('.hidden')).toHaveCount(0)
  await files.panel.getByRole('checkbox', { name: 'Hidden' }).check()
  await expect(files.name('.hidden')).toBeVisible()

  await files.act('New folder').click()
  await files.panel.getByRole('textbox').fill('sub')
  await anna.page.keyboard.press('Enter')
  await expect(files.name('sub')).toBeVisible()

  await files.pick('one.txt')
  await files.act('Rename').click()
  await files.panel.getByRole('textbox').fill('two.txt')
  await anna.page.keyboard.press('Enter')
  await expect(files.name('two.txt')).toBeVisible()
  expect(readdirSync(dir).sort()).toEqual(['.hidden', 'sub', 'two.txt'])

  // What is dropped on the panel is uploaded; a name that is taken asks.
  const drop = async (text: string): Promise<void> => {
    const data = await anna.page.evaluateHandle((text) => {
      const d = new DataTransfer()
      d.items.add(new File([text], 'two.txt'))
      return d
    }, text)
    await files.panel.dispatchEvent('dragover', { dataTransfer: data })
    await files.panel.dispatchEvent('drop', { dataTransfer: data })
  }
  await drop('kept beside')
  await files.act('Keep both').click()
  await expect(files.name('two (2).txt')).toBeVisible()
  await drop('replaced')
  await files.act('Replace').click()
  await expect.poll(() => readFileSync(join(dir, 'two.txt'), 'utf8')).toBe('replaced')
  expect(readFileSync(join(dir, 'two (2).txt'), 'utf8')).toBe('kept beside')

  symlinkSync('two.txt', join(dir, 'link'))
  await files.act('Refresh').click()
  await files.name('link').click()
  await expect(files.panel.getByRole('checkbox', { name: 'link' })).toBeChecked()
  await files.panel.getByRole('checkbox', { name: 'link' }).uncheck()
  rmSync(join(dir, 'link'))
  await files.act('Refresh').click()

  await files.pick('two (2).txt')
  await files.act('Delete').click()
  await expect(files.act('Cancel')).toBeFocused()
  await anna.page.keyboard.press('Escape')
  await expect(files.panel).toBeVisible()
  expect(readdirSync(dir)).toContain('two (2).txt')
  await files.act('Delete').click()
  await files.panel.getByRole('alertdialog').getByRole('button', { name: 'Delete' }).click()
  await expect(files.name('two (2).txt')).toHaveCount(0)
  expect(readdirSync(dir).sort()).toEqual(['.hidden', 'sub', 'two.txt'])
})

test('I12 an upload that breaks off goes on from where the target has it; one that is cancelled leaves nothing', async ({
  anna,
  dir,
}) => {
  const files = await openShell(anna)
  await files.open()
  await files.go(dir)
  let broken = 0
  await anna.page.route(/\/transfer\//, async (route) => {
    if (route.request().method() !== 'PUT' || broken++ > 0) return route.continue()
    // A part gets there, and the answer never does.
    const part = route.request().postDataBuffer()?.subarray(0, 700_000)
    await route.fetch({ postData: part ?? Buffer.alloc(0) })
    return route.abort('connectionreset')
  })
  const data = randomBytes(2_000_000)
  await files.upload({ name: 'long.bin', buffer: data })
  expect(await files.over('long.bin')).toBe('allowed')
  expect(sha(readFileSync(join(dir, 'long.bin')))).toBe(sha(data))
  expect(broken).toBeGreaterThan(1)

  await anna.page.route(/\/transfer\//, (route) => (route.request().method() === 'PUT' ? undefined : route.continue()))
  await files.upload({ name: 'never.bin', buffer: data })
  await files.act('Cancel transfer: never.bin').click()
  expect(await files.over('never.bin')).toBe('file_cancelled')
  await expect.poll(() => readdirSync(dir)).toEqual(['long.bin'])
})

test('I11 a direction that is denied is not there, and without both there is no item', async ({ anna }) => {
  const down = await openShell(anna, 'locked')
  await down.open()
  await expect(down.act('Upload')).toHaveCount(0)
  await expect(down.act('New folder')).toHaveCount(0)
  const none = await anna.open('plain')
  await none.open()
  await expect(none.tool('Clipboard')).toBeVisible()
  await expect(none.tool('Files')).toHaveCount(0)
})

test('I12 T8 the panel by keyboard alone, and axe finds nothing', async ({ anna, dir }) => {
  for (const n of ['a.txt', 'b.txt']) writeFileSync(join(dir, n), n)
  const files = await openShell(anna)
  await files.open()
  await files.go(dir)
  await files.name('a.txt').focus()
  await anna.page.keyboard.press('ArrowDown')
  await expect(files.name('b.txt')).toBeFocused()
  await anna.page.keyboard.press('Enter')
  await expect(files.panel.getByRole('checkbox', { name: 'b.txt' })).toBeChecked()
  await files.upload({ name: 'a.txt', buffer: Buffer.from('again') }, { name: 'c.txt', buffer: Buffer.from('c') })
  expect(await files.over('c.txt')).toBe('allowed')
  await expect(files.act('Keep both')).toBeVisible()
  await expectAccessible(anna.page)
  await anna.page.setViewportSize({ width: 390, height: 844 })
  await expect.poll(() => files.panel.boundingBox()).toMatchObject({ x: 0, width: 390 })
  await anna.page.keyboard.press('Escape')
  await expect(files.panel).toHaveCount(0)
})
