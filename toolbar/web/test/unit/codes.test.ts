import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { de } from '../../src/i18n/de.js'
import { en, type Messages } from '../../src/i18n/en.js'
import { es } from '../../src/i18n/es.js'
import { fr } from '../../src/i18n/fr.js'
import { codeText } from '../../src/i18n/index.js'
import { ja } from '../../src/i18n/ja.js'

const pam = new URL('../../../../pam/', import.meta.url)

/** The codes of pam/code.go, those that are end reasons included. */
function codes(): string[] {
  const sources = readdirSync(pam)
    .filter((name) => name.endsWith('.go'))
    .map((name) => readFileSync(new URL(name, pam), 'utf8'))
  const reasons = new Map<string, string>()
  for (const source of sources) {
    for (const [, name, value] of source.matchAll(/^\s*(End\w+)\s+EndReason\s*=\s*"(\w+)"/gm))
      reasons.set(name ?? '', value ?? '')
  }
  const found: string[] = []
  for (const [, value, reason] of readFileSync(new URL('code.go', pam), 'utf8').matchAll(
    /^\s*Code\w+\s+(?:Code\s*)?=\s*(?:"(\w+)"|Code\((End\w+)\))/gm,
  )) {
    const code = value ?? reasons.get(reason ?? '')
    if (!code) throw new Error(`no value for ${reason}`)
    found.push(code)
  }
  return found
}

const catalogues: [string, Messages][] = [
  ['en', en],
  ['de', de],
  ['es', es],
  ['fr', fr],
  ['ja', ja],
]

describe('S50 every code has a text', () => {
  it('finds the codes', () => {
    expect(codes().length).toBeGreaterThan(40)
    expect(codes()).toContain('gateway_crash')
  })

  for (const [language, catalogue] of catalogues) {
    it.each(codes())(`${language}: %s`, (code) => {
      const found = catalogue.codes[code]
      expect(found?.title).toMatch(/\S/)
      expect(found?.text).toMatch(/\S/)
      expect(`${found?.title}${found?.text}`).not.toContain('!')
    })
  }

  it('a code that this client does not know is still told', () => {
    expect(codeText('of_the_future')).toEqual(en.codes.internal)
    expect(codeText('__proto__')).toEqual(en.codes.internal)
    expect(codeText('constructor')).toEqual(en.codes.internal)
  })
})

describe('T8 catalogues', () => {
  const places = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map((m) => m[1] ?? '').sort()

  for (const [language, catalogue] of catalogues.slice(1)) {
    it(`${language} has every text, with the same values in it, and is another language`, () => {
      let same = 0
      for (const key of Object.keys(en.ui) as (keyof typeof en.ui)[]) {
        expect(places(catalogue.ui[key]), key).toEqual(places(en.ui[key]))
        if (catalogue.ui[key] === en.ui[key]) same++
      }
      for (const [code, { title, text }] of Object.entries(en.codes)) {
        expect(places(catalogue.codes[code]?.title ?? ''), code).toEqual(places(title))
        expect(places(catalogue.codes[code]?.text ?? ''), code).toEqual(places(text))
        expect(catalogue.codes[code]?.text).not.toBe(text)
      }
      expect(Object.keys(catalogue.params)).toEqual(Object.keys(en.params))
      expect(Object.keys(catalogue.placeholders)).toEqual(Object.keys(en.placeholders))
      expect(Object.keys(catalogue.choices)).toEqual(Object.keys(en.choices))
      expect(same).toBeLessThan(12)
    })
  }
})
