import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { de } from '../../src/i18n/de.js'
import { en } from '../../src/i18n/en.js'
import { es } from '../../src/i18n/es.js'
import { fr } from '../../src/i18n/fr.js'
import { ja } from '../../src/i18n/ja.js'
import { leastContrast, schemeColours, schemeName, schemeNames } from '../../src/term/schemes.js'

/** Relative luminance and contrast as WCAG 2.2 defines them. */
function luminance(colour: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const c = Number.parseInt(colour.slice(at, at + 2), 16) / 255
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}

function contrast(a: string, b: string): number {
  const [low = 0, high = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y)
  return (high + 0.05) / (low + 0.05)
}

describe('T8 colour schemes', () => {
  it('L3 are those that the launcher offers, with a name in each language', () => {
    const source = readFileSync(new URL('../../../../sshx/params.go', import.meta.url), 'utf8')
    const list = /ParamColorScheme, Label[\s\S]*?Choices: \[\]pam\.Choice\{([\s\S]*?)\n\t\t\t\}/.exec(source)?.[1] ?? ''
    expect([...list.matchAll(/Value: "(\w+)"/g)].map((m) => m[1])).toEqual(schemeNames)
    for (const { choices } of [en, de, es, fr, ja])
      for (const name of schemeNames) expect(choices[`color_scheme.${name}`], name).toMatch(/\S/)
    expect(schemeName('javascript')).toBe('auto')
    expect(schemeName(undefined)).toBe('auto')
  })

  for (const name of schemeNames.slice(1)) {
    const theme = schemeColours(name, true) as Record<string, string>
    it(`T8 ${name} can be read: text reaches ${leastContrast(name)}:1`, () => {
      const least = leastContrast(name)
      const low: string[] = []
      for (const [part, colour] of Object.entries(theme)) {
        expect(colour, part).toMatch(/^#[0-9a-f]{6}$/)
        if (/^(background|black|selectionBackground)$/.test(part)) continue
        const on = (part === 'cursorAccent' ? theme.cursor : theme.background) ?? ''
        const got = contrast(colour, on)
        if (got < least) low.push(`${part} ${colour} on ${on}: ${got.toFixed(2)}`)
      }
      const selected = contrast(theme.foreground ?? '', theme.selectionBackground ?? '')
      if (selected < least) low.push(`selected text: ${selected.toFixed(2)}`)
      expect(low).toEqual([])
      expect(contrast(theme.selectionBackground ?? '', theme.background ?? ''), 'a selection is seen').toBeGreaterThan(
        1.25,
      )
    })
  }
})
