import { writeFileSync } from 'node:fs'
import type { Page } from '@playwright/test'
import { expectAccessible } from './axe.js'
import { expect, test } from './fixtures.js'
import { expectFile, kinds, type SessionPage, Wire } from './session.js'

/** Pastes as the browser does it when the user presses a key, the middle button, or drops something. */
async function paste(page: Page, text: string, how: 'keys' | 'insert' | 'middle' | 'drop' | 'panel'): Promise<void> {
  switch (how) {
    case 'keys':
    case 'insert':
      await page.evaluate((t) => navigator.clipboard.writeText(t), text)
      await page.locator('.xterm-helper-textarea').focus()
      return page.keyboard.press(how === 'keys' ? 'Control+Shift+V' : 'Shift+Insert')
    case 'middle': // what Chromium makes of the middle button on Linux
    case 'drop':
      return page.locator('.xterm-helper-textarea').evaluate(
        (field, { text, how }) => {
          const data = new DataTransfer()
          data.setData('text/plain', text)
          const init = { bubbles: true, cancelable: true, composed: true }
          field.dispatchEvent(
            how === 'drop'
              ? new DragEvent('drop', { ...init, dataTransfer: data })
              : new ClipboardEvent('paste', { ...init, clipboardData: data }),
          )
        },
        { text, how },
      )
    case 'panel': {
      const panel = page.getByRole('dialog', { name: 'Clipboard' })
      await page.getByRole('button', { name: /^Open the session toolbar/ }).click({ position: { x: 30, y: 2 } })
      await page.getByRole('button', { name: 'Clipboard', exact: true }).click()
      await panel.getByRole('textbox').fill(text)
      return panel.getByRole('button', { name: /^Paste/ }).click()
    }
  }
}

const guardOf = (page: Page) => page.getByRole('dialog', { name: /^Paste (this text|[\d,]+ lines)\?$/ })

test('I6 every way of pasting asks before lines that a shell would run, and shows what is not seen', async ({
  anna,
  world,
}) => {
  test.slow()
  await anna.context.grantPermissions(['clipboard-read', 'clipboard-write'])
  const wire = new Wire(anna.page)
  const session = await anna.open('shell')
  const { page } = session
  const guard = guardOf(page)
  const marker = world.marker('guard')
  // Without bracketed paste the shell would run each line as it arrives.
  await session.run(`bind 'set enable-bracketed-paste off'; clear; echo brackets-''set`)
  await expect(session.rows).toHaveText(/^brackets-set\s*\$\s*$/)
  const evil = `echo ran > ${marker}\x1b[201~\u202e\n`
  for (const how of ['keys', 'insert', 'middle', 'drop', 'panel'] as const) {
    await paste(page, evil, how)
    await expect(guard, how).toBeVisible()
    await expect(guard.getByRole('region')).toContainText('␛')
    await expect(guard.getByRole('region')).toContainText('U+202E')
    await expect(guard.getByRole('region')).toContainText('⏎')
    await expect(guard.getByRole('button', { name: 'Cancel' })).toBeFocused()
    if (how === 'keys') await expectAccessible(page)
    // Who goes on typing has not said yes, and nothing that is typed reaches the target.
    const before = wire.count(kinds.key)
    await page.keyboard.type('yes')
    await page.keyboard.press('Enter')
    await expect(guard).toBeHidden()
    expect(wire.count(kinds.key)).toBe(before)
    await expect(page.locator('.xterm-helper-textarea')).toBeFocused()
  }
  expect(wire.count(kinds.paste)).toBe(0)
  await expectFile(marker, /^$/)

  // Said yes: what was shown is sent, without the last line break unless the user wants it.
  await paste(page, `echo one > ${marker}\necho two >> ${marker}\n`, 'keys')
  await expect(guard).toHaveAccessibleName('Paste 2 lines?')
  await guard.getByRole('button', { name: 'Paste 2 lines' }).click()
  await expect(session.rows).toContainText('echo two')
  await expectFile(marker, 'one')
  await page.keyboard.press('Enter')
  await expectFile(marker, 'one\ntwo')
  await paste(page, `echo three > ${marker}\n`, 'keys')
  await guard.getByRole('checkbox').uncheck()
  await page.keyboard.press('Control+Enter')
  await expectFile(marker, 'three')
  await expect(guard).toBeHidden()

  // One line without anything strange goes at once.
  await paste(page, `echo four > ${marker}`, 'drop')
  await session.focus()
  await page.keyboard.press('Enter')
  await expectFile(marker, 'four')
})

test('I6 bracketed paste is kept, and still asks', async ({ anna, world }) => {
  await anna.context.grantPermissions(['clipboard-read', 'clipboard-write'])
  const session = await anna.open('shell')
  const { page } = session
  const marker = world.marker('bracketed')
  await session.run(`bind 'set enable-bracketed-paste on'; clear; echo brackets-''set`)
  await expect(session.rows).toHaveText(/^brackets-set\s*\$\s*$/)
  await paste(page, `echo one > ${marker}\necho two >> ${marker}\n`, 'keys')
  await expect(guardOf(page)).toContainText('bracketed paste on')
  await guardOf(page).getByRole('checkbox').uncheck()
  await guardOf(page).getByRole('button', { name: 'Paste 2 lines' }).click()
  await expect(session.rows).toContainText('echo two')
  await expectFile(marker, /^$/)
  await page.keyboard.press('Enter')
  await expectFile(marker, 'one\ntwo')
})

/** Shows a file's content on the screen. */
async function show(session: SessionPage, path: string, text: string): Promise<void> {
  writeFileSync(path, text)
  await session.run(`clear; cat ${path}; echo the-''end`)
  await expect(session.rows).toContainText('the-end')
}

/** Clicks on text of the terminal. */
async function clickOn(session: SessionPage, text: string): Promise<void> {
  const rows = await session.screen()
  const row = rows.findIndex((r) => r.includes(text))
  const box = await session.rows.locator('> div').nth(row).boundingBox()
  const screen = await session.page.locator('.xterm-screen').boundingBox()
  if (!box || !screen) throw new Error(`${text} is not on the screen`)
  const cell = await session.rows.evaluate((e) => {
    const probe = document.createElement('span')
    probe.textContent = 'W'.repeat(100)
    e.firstElementChild?.append(probe)
    const width = probe.getBoundingClientRect().width / 100
    probe.remove()
    return width
  })
  const at = (rows[row]?.indexOf(text) ?? 0) + 2
  await session.page.mouse.move(box.x + at * cell, box.y + box.height / 2)
  await session.page.mouse.move(box.x + at * cell + 1, box.y + box.height / 2)
  await session.page.mouse.click(box.x + at * cell + 1, box.y + box.height / 2)
}

test('S08 S21 a link opens after a click, which shows where it truly leads', async ({ anna, world }) => {
  const { context } = anna
  const session = await anna.open('shell')
  const { page } = session
  let opened = 0
  context.on('page', () => opened++)
  await context.route(/example/, (route) => route.fulfill({ body: '<title>there</title>', contentType: 'text/html' }))
  const lie = (target: string, text: string) => `\x1b]8;;${target}\x1b\\${text}\x1b]8;;\x1b\\`
  await show(
    session,
    world.marker('links'),
    [
      lie('https://evil.example/\u202egpj.exe', 'https://good.example'),
      lie('javascript:document.title="owned"', 'script-link'),
      lie('file:///etc/passwd', 'file-link'),
      'plain http://plain.example/path?q=1, and on.',
      lie(`https://long.example/${'x'.repeat(400)}`, 'long-link'),
    ].join('\n'),
  )
  const popover = page.locator('sp-links')
  for (const text of ['script-link', 'file-link', 'and on']) {
    await clickOn(session, text)
    await expect(popover).toHaveCount(0)
  }
  await clickOn(session, 'https://good.example')
  await expect(popover).toContainText('https://evil.example/%E2%80%AEgpj.exe')
  await expect(popover).toContainText('names another address')
  const link = popover.getByRole('link', { name: 'Open in a new tab' })
  await expect(link).toBeFocused()
  await expect(link).toHaveAttribute('rel', 'noopener noreferrer')
  expect(opened).toBe(0)
  await expectAccessible(page)
  await page.keyboard.press('Escape')
  await expect(popover).toHaveCount(0)
  await expect(page.locator('.xterm-helper-textarea')).toBeFocused()
  await clickOn(session, 'long-link')
  await expect(popover).toContainText('characters of the address are not shown')
  await page.keyboard.press('Escape')

  await clickOn(session, 'http://plain.example')
  const tab = context.waitForEvent('page')
  await page.keyboard.press('Enter')
  const other = await tab
  await expect(other).toHaveTitle('there')
  expect(other.url()).toBe('http://plain.example/path?q=1')
  expect(await other.evaluate(() => [window.opener, document.referrer])).toEqual([null, ''])
  await other.close()

  // By the keyboard alone: all links on the screen, the last one first.
  await session.focus()
  await page.keyboard.press('Control+Shift+L')
  await expect(popover.getByRole('link')).toHaveCount(3)
  await expect(popover.getByRole('link').first()).toBeFocused()
  await expect(popover.locator('li').first()).toContainText('long.example')
  await page.keyboard.press('ArrowDown')
  await expect(popover.getByRole('link').nth(1)).toBeFocused()
  await expectAccessible(page)
  await page.keyboard.press('Escape')
  await expect(page.locator('.xterm-helper-textarea')).toBeFocused()
})

test('T8 the bell lights up at most once a second, and marks a tab that nobody looks at', async ({ anna }) => {
  const session = await anna.open('shell')
  const { page } = session
  await page.evaluate(() => {
    const seen = { flashes: 0, duration: 0, apart: Number.POSITIVE_INFINITY }
    let last = Number.NEGATIVE_INFINITY
    Object.assign(window, { seen })
    const animate = Element.prototype.animate
    Element.prototype.animate = function (frames, options) {
      if (this.classList.contains('flash')) {
        seen.flashes++
        seen.apart = Math.min(seen.apart, performance.now() - last)
        last = performance.now()
        seen.duration = (options as KeyframeAnimationOptions).duration as number
      }
      return animate.call(this, frames, options)
    }
  })
  const seen = () =>
    page.evaluate(() => (window as unknown as { seen: { flashes: number; duration: number; apart: number } }).seen)
  await session.run(`for i in $(seq 500); do printf '\\a'; done; echo r''ung`)
  await expect(session.rows).toContainText('rung')
  expect((await seen()).flashes).toBeGreaterThan(0)
  expect((await seen()).apart).toBeGreaterThan(900)
  await expect(page).not.toHaveTitle(/^●/)
  // As in a tab behind others.
  const hide = (hidden: boolean) =>
    page.evaluate((hidden) => {
      Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden })
      document.dispatchEvent(new Event('visibilitychange'))
    }, hidden)
  await hide(true)
  await expect(async () => {
    await session.run(`printf '\\a'`)
    await expect(page).toHaveTitle(/^● shell/, { timeout: 1500 })
  }).toPass()
  await hide(false)
  await expect(page).toHaveTitle(/^shell/)
  await page.emulateMedia({ reducedMotion: 'reduce' })
  const before = (await seen()).flashes
  await expect(async () => {
    await session.run(`printf '\\a'`)
    expect((await seen()).flashes).toBeGreaterThan(before)
  }).toPass()
})

const display = async (session: SessionPage) => {
  if (!(await session.bar.isVisible())) await session.open()
  await session.tool('Display').click()
  const panel = session.page.getByRole('dialog', { name: 'Display' })
  await expect(panel).toBeVisible()
  return panel
}

test('L3 L8 T8 colours and size change in the session, and are there after a reload and at the next launch', async ({
  anna,
}) => {
  const session = await anna.open('plain')
  const { page } = session
  const background = () =>
    page.locator('.screen').evaluate((e) => getComputedStyle(e).getPropertyValue('--sp-screen-bg').trim())
  expect(await background()).toBe('#fdfdfe')
  const panel = await display(session)
  await expect(panel.getByRole('radio', { name: 'As the page' })).toBeFocused()
  await expect(panel.getByRole('radio')).toHaveCount(9)
  await expectAccessible(page)
  // What is chosen within a moment is kept in one go; on a slow machine it is not one moment.
  const keeps = (size: string) =>
    page.waitForResponse(
      (r) => r.url().endsWith('/display') && r.status() === 204 && (r.request().postData() ?? '').includes(`"${size}"`),
    )
  const kept = keeps('16')
  await panel.getByRole('radio', { name: 'Midnight' }).check()
  expect(await background()).toBe('#0b1530')
  await panel.getByRole('button', { name: 'Larger text' }).click()
  await panel.getByRole('button', { name: 'Larger text' }).click()
  await expect(panel).toContainText('16 px')
  await kept
  await page.keyboard.press('Escape')
  await expect(panel).toBeHidden()
  await page.keyboard.press('Escape')
  await expect(page.locator('.xterm-helper-textarea')).toBeFocused()

  // Ctrl with + and - as well.
  const again = keeps('17')
  await page.keyboard.press('Control+Equal')
  await again
  const asked = page.waitForEvent('dialog')
  const reloaded = page.reload()
  await (await asked).accept()
  await reloaded
  await expect(session.rows).toContainText('$')
  expect(await background()).toBe('#0b1530')
  await expect(await display(session)).toContainText('17 px')
  await page.keyboard.press('Escape')
  await page.keyboard.press('Escape')
  await session.focus()
  await session.run('exit')

  await page.goto('/assets/plain')
  await page.getByRole('button', { name: 'Access' }).click()
  await expect(page.getByLabel('Colours')).toHaveValue('midnight')
  await expect(page.getByLabel('Font size')).toHaveValue('17')
})

test('T8 what is selected is copied at once if wanted, and a screen reader can follow', async ({ anna }) => {
  await anna.context.grantPermissions(['clipboard-read', 'clipboard-write'])
  const session = await anna.open('shell')
  const { page } = session
  await page.evaluate(() => navigator.clipboard.writeText('untouched'))
  const choose = async () => {
    const row = await session.rows.locator('> div').first().boundingBox()
    if (!row) throw new Error('no row')
    await page.mouse.dblclick(row.x + 20, row.y + row.height / 2)
  }
  const clipboard = () => page.evaluate(() => navigator.clipboard.readText())
  await choose()
  expect(await clipboard()).toBe('untouched')
  const panel = await display(session)
  await panel.getByRole('checkbox', { name: 'Copy what is selected' }).check()
  await panel.getByRole('checkbox', { name: 'Screen reader support' }).check()
  await page.keyboard.press('Escape')
  await page.keyboard.press('Escape')
  await expect(session.bar).toBeHidden()
  await choose()
  await expect.poll(clipboard).toBe('ready')
  await session.focus()
  await session.run(`echo heard-''by-everyone`)
  await expect(page.locator('.xterm-accessibility')).toContainText('heard-by-everyone')
  await expectAccessible(page)
})
