import { expect, test } from './fixtures.js'
import { expectFile, SessionPage } from './session.js'

test('an input method composes Japanese, accents and emoji; only what is committed is typed', async ({
  anna,
  world,
}) => {
  const page = anna.page
  await page.goto(await anna.launch('shell', { locale: 'C.UTF-8' }))
  const session = new SessionPage(page)
  await session.ready()
  const marker = world.marker('typing')
  await page.keyboard.type(`printf %s '`)
  const ime = await page.context().newCDPSession(page)
  for (const [steps, text] of [
    [['に', 'にほ', 'にほんご', '日本語'], '日本語'],
    [['´'], 'é'],
    [['s', 'sm'], '😀'],
  ] as const) {
    for (const step of steps) {
      await ime.send('Input.imeSetComposition', { text: step, selectionStart: step.length, selectionEnd: step.length })
    }
    await ime.send('Input.insertText', { text })
    await expect(session.rows).toContainText(text)
  }
  await session.run(`' > ${marker}`)
  await expectFile(marker, /^日本語é😀$/)
})

// What AltGr looks like depends on the system: on Windows it is Control with Alt, elsewhere a modifier of its own that
// leaves both alone.
for (const [platform, altGr] of [
  ['Linux x86_64', 0],
  ['Win32', 1 | 2],
] as const) {
  test(`keys of a German keyboard arrive as their characters, AltGr included, on ${platform}`, async ({
    anna,
    world,
  }) => {
    const page = anna.page
    const devtools = await page.context().newCDPSession(page)
    const userAgent = await page.evaluate(() => navigator.userAgent)
    await devtools.send('Emulation.setUserAgentOverride', { userAgent, platform })
    await page.goto(await anna.launch('shell', { locale: 'C.UTF-8' }))
    const session = new SessionPage(page)
    await session.ready()
    const marker = world.marker('layout')
    await page.keyboard.type(`printf %s '`)
    // Umlauts are keys of their own, z and y have changed places, @ and the euro sign are made with AltGr.
    for (const [code, text, modifiers] of [
      ['Quote', 'ä', 0],
      ['Minus', 'ß', 0],
      ['KeyY', 'z', 0],
      ['KeyQ', '@', altGr],
      ['KeyE', '€', altGr],
    ] as const) {
      const key = { code, key: text, text, unmodifiedText: text, modifiers, windowsVirtualKeyCode: 0 }
      await devtools.send('Input.dispatchKeyEvent', { type: 'keyDown', ...key })
      await devtools.send('Input.dispatchKeyEvent', { type: 'keyUp', ...key })
      await expect(session.rows).toContainText(text)
    }
    await session.run(`' > ${marker}`)
    await expectFile(marker, /^äßz@€$/)
  })
}
