import { readFileSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { choiceLabel, chooseLocale, paramLabel } from '../../src/i18n/index.js'

/** The launch parameters of desktops, as the gateway names them. */
const source = readFileSync(new URL('../../../../rdp/params.go', import.meta.url), 'utf8')
const names = [...source.matchAll(/^\tParam\w+ += "(\w+)"$/gm)].map((m) => m[1] ?? '')
const layouts = [...source.matchAll(/^\t\{"(\w\w-\w\w)", "(.+?)", 0x/gm)].map((m) => [m[1] ?? '', m[2] ?? ''] as const)

describe('L3 the launch parameters of a desktop', () => {
  afterEach(() => chooseLocale(['en']))

  it('are found in the source', () => {
    expect(names).toHaveLength(13)
    expect(layouts.length).toBeGreaterThan(20)
  })

  for (const language of ['en', 'de', 'es', 'fr', 'ja']) {
    it(`have labels in ${language}`, async () => {
      await chooseLocale([language])
      for (const name of names) expect(paramLabel(name, ''), name).toMatch(/\S/)
      for (const choice of ['auto', 'lossless']) expect(choiceLabel('codec', choice, ''), choice).toMatch(/\S/)
      const labels = layouts.map(([value, label]) => choiceLabel('keyboard_layout', value, label))
      expect(new Set(labels).size).toBe(layouts.length)
      if (language !== 'en') expect(labels.filter((l, i) => l === layouts[i]?.[1])).toEqual([])
    })
  }

  it('keep the gateway’s own label where the catalogue has none', () => {
    expect(choiceLabel('keyboard_layout', 'en-us', 'English (US)')).toBe('English (US)')
    expect(choiceLabel('resolution', '1024x768', '1024 × 768')).toBe('1024 × 768')
  })
})
