// @vitest-environment happy-dom
import { afterEach, describe, expect, it } from 'vitest'
import { parseState, type State } from '../../src/core/types.js'
import { define } from '../../src/elements/base.js'
import { SpCard } from '../../src/elements/sp-card.js'
import { SpToolbar } from '../../src/elements/sp-toolbar.js'
import { chooseLocale, t } from '../../src/i18n/index.js'

define('sp-card', SpCard)
define('sp-toolbar', SpToolbar)

const evil = '<img src=x onerror="globalThis.pwned=1"><script>globalThis.pwned=1</script>'

function state(more: object): State {
  const parsed = parseState(
    JSON.stringify({ mode: 'owner', state: 'active', asset: { name: 'web-01', protocol: 'ssh' }, ...more }),
  )
  if (!parsed) throw new Error('no state')
  return parsed
}

async function toolbar(s: State): Promise<SpToolbar> {
  const bar = new SpToolbar()
  bar.state = s
  document.body.append(bar)
  await bar.updateComplete
  await bar.expand('pointer')
  await bar.updateComplete
  return bar
}

const items = (bar: SpToolbar): (string | undefined)[] =>
  [...(bar.shadowRoot?.querySelectorAll<HTMLElement>('.tool') ?? [])].map((e) => e.dataset.id)

afterEach(() => document.body.replaceChildren())

describe('T5 items', () => {
  it('T5 stand in order, each only with its capability', async () => {
    const all = { clipboard_upload: 'record', session_url: 'allow' }
    expect(items(await toolbar(state({ capabilities: all })))).toEqual([
      'clipboard',
      'session_url',
      'disconnect',
      'close',
    ])
    expect(items(await toolbar(state({ capabilities: { session_url: 'allow' } })))).toEqual([
      'session_url',
      'disconnect',
      'close',
    ])
    expect(items(await toolbar(state({ capabilities: { clipboard_upload: 'deny' } })))).toEqual(['disconnect', 'close'])
    expect(items(await toolbar(state({})))).toEqual(['disconnect', 'close'])
  })

  it('I27 Close closes the bar and leaves the handle', async () => {
    const bar = await toolbar(state({}))
    bar.shadowRoot?.querySelector<HTMLElement>('[data-id=close]')?.click()
    await bar.updateComplete
    expect(bar.open).toBe(false)
    expect(bar.shadowRoot?.querySelector<HTMLElement>('.handle')?.hidden).toBe(false)
  })
})

describe('S08 names of others are text', () => {
  it('S08 in the toolbar', async () => {
    const bar = await toolbar(
      state({ asset: { name: evil, protocol: evil }, people: [{ name: evil }], recorded: true }),
    )
    expect(bar.shadowRoot?.querySelectorAll('img, script').length).toBe(0)
    expect(bar.shadowRoot?.querySelector('b')?.getAttribute('title')).toBe(evil)
  })

  it('S08 on the card of an ended session', async () => {
    const card = new SpCard()
    card.about = {
      assetName: evil,
      assetURL: 'javascript:alert(1)',
      protocol: evil,
      canStart: true,
      joined: false,
      left: false,
    }
    card.phase = {
      kind: 'closed',
      state: undefined,
      info: undefined,
      end: { code: 'remote_logoff', reason: '', text: evil, signal: evil, started: '', ended: '' },
    }
    document.body.append(card)
    await card.updateComplete
    expect(card.shadowRoot?.querySelectorAll('img, script, a').length).toBe(0)
    expect(card.shadowRoot?.querySelector('blockquote')?.textContent).toBe(evil)
    expect(card.shadowRoot?.querySelector('h2')?.textContent).toContain(evil)
  })
})

describe('T8 languages', () => {
  it('T8 the first wanted language that there is counts, and values stay text', async () => {
    await chooseLocale(['xx', 'de-AT', 'en'])
    expect(t('disconnect')).toBe('Trennen')
    expect(t('access_to', { asset: '{n}$&' })).toBe('Auf {n}$& zugreifen')
    await chooseLocale(['en-GB', 'de'])
    expect(t('disconnect')).toBe('Disconnect')
  })
})
