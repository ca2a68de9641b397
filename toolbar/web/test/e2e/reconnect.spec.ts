import { writeFileSync } from 'node:fs'
import { expect, test } from './fixtures.js'
import { expectFile, SessionPage, Wire } from './session.js'
import { Tabs } from './tabs.js'

test('C2 S36 a reload comes back to the same session and the same screen, in vim and in htop', async ({
  anna,
  world,
}) => {
  test.slow()
  const session = await anna.open('shell', { locale: 'C.UTF-8' })
  const { page } = session
  const url = page.url()
  const file = world.marker('poem.txt')
  writeFileSync(
    file,
    Array.from({ length: 200 }, (_, i) => `${i + 1}: the ${'slow '.repeat(i % 9)}quick brown fox`).join('\n'),
  )
  await session.run(`vim -u NONE -i NONE -N +120 ${file}`)
  await expect(session.rows).toContainText('120: the')
  await page.keyboard.type('Gzto')
  await page.keyboard.type('an unsaved line, 漢字 and ü')
  await expect(session.rows).toContainText('an unsaved line, 漢字 and ü')
  const before = await session.screen()
  const wire = new Wire(page)
  for (let i = 0; i < 5; i++) {
    await reload(session)
    await expect.poll(() => session.screen()).toEqual(before)
  }
  // Nothing that was typed before is typed again. (That the window has the focus again is news: vim asked for it.)
  expect(wire.input().replaceAll('\x1b[I', '')).toBe('')
  await session.focus()
  await page.keyboard.press('Escape')
  await session.run(':wq')
  await expectFile(file, /an unsaved line, 漢字 and ü$/)
  await expectShell(session) // vim has written, and reads keys until it is gone

  await session.run(`XDG_CONFIG_HOME=${world.dir} htop`)
  await expect(session.rows).toContainText('F10Quit')
  const look = async () => {
    const rows = await session.screen()
    return [
      rows.some((r) => /PID.*USER.*Command/.test(r)),
      rows.at(-1)?.replaceAll(/\s+/g, ''),
      await coloured(session),
    ]
  }
  const whole = [true, expect.stringContaining('F1Help'), true]
  await expect.poll(look).toEqual(whole)
  const htop = await look()
  expect(htop).toEqual(whole)
  await reload(session)
  await expect.poll(look).toEqual(htop)
  await session.focus()
  await page.keyboard.press('q')
  await expectShell(session)
  const marker = world.marker('after-htop')
  await session.run(`echo same > ${marker}`)
  await expectFile(marker, 'same')
  expect(page.url()).toBe(url)
  expect(world.events().filter((e) => e.session === session.id && e.verb === 'Start Session')).toHaveLength(1)
})

test('C2 a reload shows clusters in their places, and links that lead where they led', async ({ anna }) => {
  const session = await anna.open('shell', { locale: 'C.UTF-8' })
  const { page } = session
  // The shell says it in octal, so that what is typed stays ASCII: an astronaut, a flag, a heart made wide, an accent.
  await session.run(
    String.raw`clear; printf '\360\237\221\251\342\200\215\360\237\232\200|\360\237\207\251\360\237\207\252|\342\235\244\357\270\217|e\314\201|\n\033]8;;https://example.com/marked\033\\the link\033]8;;\033\\ end\n'`,
  )
  await expect(session.rows).toContainText('👩\u200d🚀|🇩🇪|❤\ufe0f|e\u0301|')
  await expect(session.rows).toHaveText(/the\slink\send\s*\$\s*$/) // the prompt too, which comes by itself
  const before = await session.screen()
  await reload(session)
  await expect.poll(() => session.screen()).toEqual(before)
  await session.focus()
  await page.keyboard.press('Control+Shift+L')
  await expect(page.getByRole('dialog')).toContainText('https://example.com/marked')
})

/** Waits until the shell is there again. */
async function expectShell(session: SessionPage) {
  await expect(session.rows).toHaveText(/\$\s*$/)
}

async function reload(session: SessionPage) {
  session.page.once('dialog', (d) => void d.accept())
  await session.page.reload()
}

const coloured = (session: SessionPage) =>
  session.rows.locator('span[class*="xterm-bg-"], span[class*="xterm-fg-"]').first().isVisible()

test('C2 S36 a network cut is bridged, and what ran meanwhile is shown', async ({ anna, world }) => {
  const session = await anna.open('shell')
  const { page } = session
  const marker = world.marker('meanwhile')
  const go = world.marker('go')
  const waiting = world.marker('waiting')
  await session.run(
    `echo yes > ${waiting}; until test -e ${go}; do sleep 0.1; done; seq 1 5000; echo finished | tee ${marker}`,
  )
  await expectFile(waiting, 'yes') // a key that the cut overtakes is lost, Enter too
  world.network.cut()
  try {
    await expect(page.getByText(/Connection lost, trying again|Reconnecting/).first()).toBeVisible()
    // Dropped, not queued: what is typed at a frozen picture must not run later.
    await session.focus()
    await page.keyboard.type('touch /never; ')
    writeFileSync(go, '')
    await expectFile(marker, 'finished')
  } finally {
    world.network.mend()
  }
  await expect(session.rows).toContainText('finished')
  await expect(session.rows).toContainText('4999')
  await expect(session.rows).not.toContainText('touch /never')
  await session.focus()
  await session.run(`echo again > ${marker}`)
  await expectFile(marker, 'again')
  expect(
    world
      .events()
      .filter((e) => e.session === session.id)
      .map((e) => e.verb),
  ).toEqual(['Start Session'])
})

test('C2 the newest page wins, the older one can take the session back', async ({ anna, world }) => {
  const first = await anna.open('shell')
  const tab = await anna.context.newPage()
  await tab.goto(first.page.url())
  const second = new SessionPage(tab)
  await expect(second.rows).toContainText('$')
  await expect(first.card('Opened elsewhere')).toBeVisible()
  await second.focus()
  const marker = world.marker('second')
  await second.run(`echo from the second > ${marker}`)
  await expectFile(marker, 'from the second')

  await first.page.getByRole('button', { name: 'Take back' }).click()
  await expect(second.card('Opened elsewhere')).toBeVisible()
  await expect(first.rows).toContainText('from the second')
  await first.focus()
  await first.run(`echo from the first > ${marker}`)
  await expectFile(marker, 'from the first')
  expect(world.recording(first.id)).toBeTruthy()
})

test('S36 another sign-in of the same person, and another person, get nothing', async ({ anna, as, world }) => {
  const session = await anna.open('shell')
  const other = await as('anna')
  await other.page.goto(session.page.url())
  await expect(other.page.getByRole('heading', { name: 'Opened by another sign-in' })).toBeVisible()
  await expect(other.page.locator('.xterm-rows')).not.toContainText('ready')

  const dora = await as('dora')
  const r = await dora.page.goto(session.page.url())
  expect(r?.status()).toBe(404)
  const unknown = await dora.page.goto('/pam/s/unknown')
  expect(unknown?.status()).toBe(404)

  // The owner never noticed.
  const marker = world.marker('owner')
  await session.focus()
  await session.run(`echo still mine > ${marker}`)
  await expectFile(marker, 'still mine')
})

test('S36 after signing out there is no way back', async ({ anna, world }) => {
  const session = await anna.open('shell')
  const url = session.page.url()
  const tab = await anna.context.newPage()
  await tab.goto('/assets')
  await tab.getByRole('button', { name: 'Sign out' }).click()
  await expect(tab.getByRole('status')).toHaveText('You are signed out. Your sessions have ended.')
  await expect(session.card('Your access was withdrawn')).toBeVisible()
  await tab.goto(url)
  await expect(tab).toHaveURL(/\/login\?next=/)
  await expect
    .poll(() => world.events().filter((e) => e.session === session.id && e.verb === 'Complete Session'))
    .toMatchObject([{ reason: 'revoked' }])
})

test('20 MB of output pass while another tab covers the page', async ({ anna, world }) => {
  test.slow()
  const session = await anna.open('shell')
  const marker = world.marker('output')
  const go = world.marker('go-output')
  const output = `yes 0123456789abcdef0123456789abcde | head -c 20971520; echo; echo all''-of-it | tee ${marker}`
  await session.run(`until test -e ${go}; do sleep 0.1; done; ${output}`)
  const tabs = await Tabs.like(anna.context)
  try {
    const tab = await tabs.open(session.page.url())
    const rows = () =>
      tabs.evaluate(tab, `document.querySelector('sp-session').shadowRoot.querySelector('.xterm-rows')?.textContent`)
    const visibility = () => tabs.evaluate(tab, 'document.visibilityState')
    await expect(session.card('Opened elsewhere')).toBeVisible()
    await expect.poll(rows).toContain('until test')
    await tabs.open(`${world.url}/assets`)
    await expect.poll(visibility).toBe('hidden')
    writeFileSync(go, '')
    await expect(() => expectFile(marker, 'all-of-it')).toPass({ timeout: 60_000 })
    expect(await visibility()).toBe('hidden')
    await tabs.show(tab)
    await expect.poll(visibility).toBe('visible')
    await expect.poll(rows).toContain('all-of-it')
  } finally {
    await tabs.close()
  }
  await session.page.getByRole('button', { name: 'Take back' }).click()
  await expect(session.rows).toContainText('all-of-it')
  await session.focus()
  await session.run(`echo alive > ${marker}`)
  await expectFile(marker, 'alive')
})
