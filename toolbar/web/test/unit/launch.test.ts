import { describe, expect, it } from 'vitest'
import { check, fixed, type Param, parseAccess } from '../../src/core/launch.js'

const length = (s: string): number => new TextEncoder().encode(s).length
const param = (p: Partial<Param>): Param => ({
  name: 'p',
  label: 'P',
  kind: 'text',
  default: '',
  value: '',
  choices: [],
  min: 0,
  max: 0,
  pinned: false,
  denied: false,
  ...p,
})

describe('L3 parameters are checked before they are sent', () => {
  it.each([
    ['8', undefined],
    ['32', undefined],
    ['7', 'out_of_range'],
    ['33', 'out_of_range'],
    ['', 'not_a_number'],
    ['1e1', 'not_a_number'],
    ['12.5', 'not_a_number'],
    ['0x10', 'not_a_number'],
    ['-8', 'out_of_range'],
    ['99999999999999999999', 'not_a_number'],
  ])('a number %j: %s', (value, fault) => {
    expect(check(param({ kind: 'int', min: 8, max: 32 }), value, length)).toBe(fault)
  })

  it.each([
    ['/srv/grüße', undefined],
    ['x'.repeat(256), undefined],
    ['x'.repeat(257), 'too_long'],
    ['ü'.repeat(129), 'too_long'],
    ['a\nb', 'control_characters'],
    ['a\u001b[31m', 'control_characters'],
  ])('a text %j: %s', (value, fault) => {
    expect(check(param({}), value, length)).toBe(fault)
  })

  it('a choice and a switch', () => {
    const choice = param({ kind: 'choice', choices: [{ value: 'xterm', label: 'xterm' }] })
    expect(check(choice, 'xterm', length)).toBeUndefined()
    expect(check(choice, 'xterm; reboot', length)).toBe('not_a_choice')
    expect(check(param({ kind: 'bool' }), 'true', length)).toBeUndefined()
    expect(check(param({ kind: 'bool' }), 'yes', length)).toBe('not_a_choice')
  })
})

describe('L3 what the policy decides', () => {
  it('nobody can change', () => {
    expect(fixed(param({}))).toBe(false)
    expect(fixed(param({ pinned: true }))).toBe(true)
    expect(fixed(param({ denied: true }))).toBe(true)
  })
})

describe('the answer of the gateway', () => {
  it('is read with care', () => {
    const access = parseAccess(
      JSON.stringify({
        asset: { id: 'a', name: 'A', protocol: 'ssh' },
        code: 'allowed',
        params: [
          null,
          3,
          { name: 'font_size', kind: 'int', min: 8, max: 32, value: '14' },
          { name: 'x', kind: 'future' },
          { name: 'drive', kind: 'bool', default: 'true', value: 'true', denied: true, pinned: 'yes' },
        ],
      }),
    )
    expect(access?.params.map((p) => [p.name, p.kind, p.label])).toEqual([
      ['font_size', 'int', 'font_size'],
      ['x', 'text', 'x'],
      ['drive', 'bool', 'drive'],
    ])
    expect(access?.params.map((p) => [p.pinned, p.denied])).toEqual([
      [false, false],
      [false, false],
      [false, true],
    ])
    for (const bad of ['', 'null', '[]', '"x"', '{}', '{"asset":3}']) expect(parseAccess(bad)).toBeUndefined()
  })
})
