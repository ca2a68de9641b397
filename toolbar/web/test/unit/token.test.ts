// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { minutesLeft, tokenOf } from '../../src/core/token.js'
import { define } from '../../src/elements/base.js'
import { SpLauncher } from '../../src/elements/sp-launcher.js'
import { SpToken } from '../../src/elements/sp-token.js'
import { chooseLocale } from '../../src/i18n/index.js'

define('sp-token', SpToken)
define('sp-launcher', SpLauncher)

describe('L4 what is typed or pasted', () => {
  it.each([
    ['123456', '123456'],
    ['123 456', '123456'],
    [' 123-456\n', '123456'],
    ['１２３４５６', '123456'],
    ['Your code is 123456. It is good for 30 s.', '123456'],
    ['12', '12'],
    ['1a2b3', '123'],
    ['1234567', '123456'],
    ['', ''],
    ['abc', ''],
  ])('%j is %j', (text, token) => expect(tokenOf(text)).toBe(token))

  it.each([
    [60_000, 1],
    [60_001, 2],
    [1, 1],
    [0, 0],
    [-5, 0],
  ])('%d ms are %d minutes', (ms, minutes) => expect(minutesLeft(1000 + ms, 1000)).toBe(minutes))
})

interface Answer {
  status: number
  body: unknown
  after?: number
}

/** A launcher over a gateway that gives these answers, one after the other. */
async function launcher(code: string, ...answers: Answer[]) {
  const sent: Record<string, unknown>[] = []
  vi.stubGlobal('fetch', async (_: URL, init: RequestInit) => {
    const access = { asset: { id: 'a', name: 'web-01', protocol: 'ssh' }, code, recorded: true, params: [term] }
    let answer: Answer = { status: 200, body: access }
    if (init.method === 'POST') {
      sent.push(JSON.parse(String(init.body)))
      answer = answers.shift() ?? { status: 500, body: { error: { code: 'internal' } } }
    }
    const headers = new Headers(answer.after ? { 'Retry-After': String(answer.after) } : {})
    return new Response(JSON.stringify(answer.body), { status: answer.status, headers })
  })
  const el = new SpLauncher()
  el.asset = 'a'
  document.body.append(el)
  await el.open()
  const field = (): SpToken | null => el.shadowRoot?.querySelector('sp-token') ?? null
  const input = (): HTMLInputElement => {
    const found = field()?.shadowRoot?.querySelector('input')
    if (!found) throw new Error('no field for the token')
    return found
  }
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 20; i++) await Promise.resolve()
    await el.updateComplete
    await field()?.updateComplete
  }
  await settle()
  return {
    el,
    sent,
    field,
    input,
    hint: () => field()?.shadowRoot?.querySelector('p')?.textContent?.trim() ?? '',
    message: () => el.shadowRoot?.querySelector('.note')?.textContent?.trim() ?? '',
    async type(text: string) {
      input().value = text
      input().dispatchEvent(new Event('input'))
      await settle()
    },
    async submit() {
      el.shadowRoot?.querySelector('form')?.dispatchEvent(new Event('submit', { cancelable: true }))
      await settle()
    },
  }
}

const term = {
  name: 'term',
  label: 'Terminal type',
  kind: 'choice',
  default: 'xterm',
  value: 'xterm',
  choices: [
    { value: 'xterm', label: 'xterm' },
    { value: 'vt100', label: 'vt100' },
  ],
}

const refusal = (status: number, code: string, more: object = {}, after = 0): Answer => ({
  status,
  body: { error: { code, ...more } },
  after,
})

describe('L4 the launcher', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    vi.stubGlobal('open', () => ({}))
  })
  afterEach(async () => {
    document.body.replaceChildren()
    await chooseLocale(['en'])
    vi.useRealTimers()
    vi.unstubAllGlobals()
  })

  it('L4 has no field where no token is asked for', async () => {
    const l = await launcher('allowed')
    expect(l.field()).toBeNull()
  })

  it('Q3 shows the field and everything else, editable', async () => {
    const l = await launcher('mfa_required')
    const input = l.input()
    expect([input.inputMode, input.autocomplete, input.type]).toEqual(['numeric', 'one-time-code', 'text'])
    expect(input.getAttribute('maxlength')).toBeNull()
    for (const id of ['reason', 'ticket', 'p-term'])
      expect(l.el.shadowRoot?.querySelector<HTMLInputElement>(`#${id}`)?.disabled).toBe(false)
    expect(l.message()).toBe('')
  })

  it('L4 sends nothing until the token is whole', async () => {
    const l = await launcher('mfa_required')
    await l.submit()
    expect(l.hint()).toBe('Enter the six digits from your authenticator.')
    await l.type('12 34')
    expect(l.hint()).toBe('Six digits from your authenticator. Paste works.')
    await l.submit()
    expect(l.hint()).toBe('A token has six digits.')
    expect(l.input().getAttribute('aria-invalid')).toBe('true')
    expect(l.sent).toEqual([])
  })

  it('L4 sends it once, with everything else, and forgets it', async () => {
    const l = await launcher('mfa_required', { status: 201, body: { id: 's1', url: 's/s1' } })
    await l.type('123 456')
    const field = l.input()
    await l.submit()
    expect(l.sent).toEqual([{ params: { term: 'xterm' }, window: 'tab', mfa_token: '123456' }])
    expect(field.value).toBe('')
  })

  it('L4 says how many tries are left, and empties the field', async () => {
    const l = await launcher(
      'mfa_required',
      refusal(403, 'mfa_invalid', { tries: { left: 3, lock_seconds: 300 } }),
      refusal(403, 'mfa_invalid', { tries: { left: 1, lock_seconds: 300 } }),
    )
    await l.type('123456')
    await l.submit()
    expect(l.hint()).toBe('Not accepted. 3 tries left, then a pause of 5 min.')
    expect([l.input().value, l.message()]).toEqual(['', ''])
    await chooseLocale(['de'])
    await l.type('123456')
    await l.submit()
    expect(l.hint()).toBe('Nicht angenommen. Noch ein Versuch, dann 5 Min. Pause.')
  })

  it('L4 a locked user waits here, and is told when it is over', async () => {
    const l = await launcher('mfa_required', refusal(429, 'mfa_locked', {}, 290))
    await l.type('123456')
    await l.submit()
    expect(l.hint()).toBe('Too many wrong tokens. You can try again in 5 minutes.')
    await l.type('654321')
    await l.submit()
    expect(l.sent.length).toBe(1)
    vi.advanceTimersByTime(200_000)
    await l.type('654321')
    expect(l.hint()).toBe('Too many wrong tokens. You can try again in 2 minutes.')
    vi.advanceTimersByTime(90_000)
    await l.type('654321')
    expect(l.hint()).toBe('Six digits from your authenticator. Paste works.')
    await l.submit()
    expect(l.sent.length).toBe(2)
  })

  it('L4 asks when the policy has begun to ask meanwhile', async () => {
    const l = await launcher('allowed', refusal(403, 'mfa_required'), { status: 201, body: { id: 's1', url: 's/s1' } })
    await l.submit()
    expect(l.hint()).toBe('Enter the six digits from your authenticator.')
    await l.type('123456')
    await l.submit()
    expect(l.sent.map((b) => b.mfa_token)).toEqual([undefined, '123456'])
  })

  it('L4 says above the fields what the token cannot help', async () => {
    const l = await launcher('mfa_required', refusal(403, 'mfa_not_enrolled'))
    await l.type('123456')
    await l.submit()
    expect(l.message()).toContain('You have no authenticator yet')
  })

  it('L8 S50 the token is gone when the dialog closes', async () => {
    const l = await launcher('mfa_required')
    await l.type('123456')
    const field = l.input()
    l.el.shadowRoot?.querySelector('dialog')?.dispatchEvent(new Event('close'))
    expect(field.value).toBe('')
    expect([localStorage.length, sessionStorage.length]).toEqual([0, 0])
  })
})
