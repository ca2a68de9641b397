// @vitest-environment happy-dom
import { afterEach, describe, expect, it } from 'vitest'
import { parseState } from '../../src/core/types.js'
import { define } from '../../src/elements/base.js'
import { SpToasts } from '../../src/elements/sp-toasts.js'

define('sp-toasts', SpToasts)

afterEach(() => document.body.replaceChildren())

describe('C4 S37 what will end a session is said before', () => {
  const at = (now: string, ends: unknown) => parseState(JSON.stringify({ now, ends }))?.ends

  it('C4 counts from the clock of the gateway', () => {
    const ends = { code: 'idle', at: '2026-03-01T12:01:00Z' }
    expect(at('2026-03-01T12:00:00Z', ends)).toEqual({ code: 'idle', after: 60 })
    expect(at('2026-03-01T12:02:00Z', ends)).toEqual({ code: 'idle', after: 0 })
    expect(at('no time', ends)).toEqual({ code: 'idle', after: 0 })
    expect(at('2026-03-01T12:00:00Z', undefined)).toBeUndefined()
    expect(at('2026-03-01T12:00:00Z', 'soon')).toBeUndefined()
  })

  it('C4 a warning is replaced by a newer one and taken back when it is not true any more', async () => {
    const toasts = new SpToasts()
    document.body.append(toasts)
    const texts = async (): Promise<(string | null)[]> => {
      await toasts.updateComplete
      return [...(toasts.shadowRoot?.querySelectorAll('.toast > span') ?? [])].map((e) => e.textContent)
    }
    toasts.show('copied', 'ok')
    toasts.show('ends in 60 s', 'warn', 'ends')
    toasts.show('ends in 30 s', 'warn', 'ends')
    expect(await texts()).toEqual(['copied', 'ends in 30 s'])
    toasts.withdraw('ends')
    toasts.withdraw('')
    expect(await texts()).toEqual(['copied'])
  })
})
