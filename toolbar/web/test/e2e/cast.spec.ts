import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from './fixtures.js'
import { SessionPage } from './session.js'

/** The bundle of asciinema's own player. */
const bundle = join(import.meta.dirname, '../../node_modules/asciinema-player/dist/bundle')

interface Player {
  seek(to: string | number): Promise<unknown>
  getDuration(): number | Promise<number>
}
declare const AsciinemaPlayer: {
  create(src: { data: string }, into: Element | null, options: Record<string, unknown>): Player
}

test("R3 asciinema's own player plays the export of a recording, resize included", async ({ anna, world }) => {
  const page = anna.page
  await page.setViewportSize({ width: 900, height: 600 })
  await page.goto(await anna.launch('shell', { locale: 'C.UTF-8' }))
  const session = new SessionPage(page)
  await session.ready()
  await session.run(`printf '\\033[1;32mgrün\\033[0m 日本語 before\\n'`)
  await expect(session.rows).toContainText('日本語 before')
  await session.run('S=$(stty size); echo was $S')
  await expect(session.rows).toContainText(/was \d+ \d+\s*\$/)
  await page.setViewportSize({ width: 600, height: 400 })
  // The terminal follows the window a moment later, and the machine after that.
  await session.run(
    `until [ "$(stty size)" != "$S" ]; do sleep 0.1; done; clear; stty size | tr ' ' x; echo after the resize`,
  )
  await expect(session.rows).toHaveText(/^\d+x\d+\s*after the resize\s*\$\s*$/)
  const size = /(\d+)x(\d+)/.exec((await session.screen()).join('\n'))
  await session.run('exit')
  await expect(session.card(/^You signed out/)).toBeVisible()

  const file = world.recording(session.id)
  const cast = world.rec('export', '-format', 'cast', file)
  const lines = cast.trim().split('\n')
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ version: 2 })
  const resizes = lines
    .slice(1)
    .map((l) => JSON.parse(l) as [number, string, string])
    .filter((e) => e[1] === 'r')
  expect(resizes.at(-1)?.[2]).toBe(`${size?.[2]}x${size?.[1]}`)

  const player = await page.context().newPage()
  await player.setContent('<!doctype html><title>player</title><div id="player"></div>')
  await player.addStyleTag({ content: readFileSync(join(bundle, 'asciinema-player.css'), 'utf8') })
  await player.addScriptTag({ content: readFileSync(join(bundle, 'asciinema-player.min.js'), 'utf8') })
  await player.evaluate(async (data) => {
    const p = AsciinemaPlayer.create({ data }, document.getElementById('player'), { preload: true, fit: false })
    const w = window as unknown as { player: Player }
    w.player = p
    await p.seek('50%')
  }, cast)
  const terminal = player.locator('.ap-terminal, .ap-term').first()
  await expect(terminal).toBeVisible()
  await player.evaluate(async () => {
    const { player } = window as unknown as { player: Player }
    await player.seek((await player.getDuration()) * 0.9999)
  })
  await expect(terminal).toContainText('after the resize')
  await expect(terminal).not.toContainText('before')
})
