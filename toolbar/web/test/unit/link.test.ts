import { describe, expect, it } from 'vitest'
import { addressesIn, linkTarget } from '../../src/term/link.js'

describe('S08 where a link leads', () => {
  it.each([
    'javascript:alert(1)',
    'JavaScript:alert(1)',
    ' https://x.example', // a browser would trim it, and then what else
    'data:text/html,<script>alert(1)</script>',
    'file:///etc/passwd',
    'vbscript:x',
    'blob:https://x.example/1',
    'ftp://x.example/',
    'ssh://x.example',
    'view-source:https://x.example',
    '//x.example',
    '/relative',
    'https:/x',
    'https://',
    'http://[::1',
    `https://x.example/${'a'.repeat(5000)}`,
    '',
  ])('S08 %j is no link', (address) => expect(linkTarget(address, address)).toBeUndefined())

  it('S08 letters that lie are shown as what they are', () => {
    const cyrillic = linkTarget('https://www.аpple.com/login', 'https://www.apple.com/login')
    expect(cyrillic?.host).toBe('www.xn--pple-43d.com')
    expect(cyrillic?.doubts).toEqual(['other_host', 'punycode'])
    const bidi = linkTarget('https://x.example/\u202egpj.exe', 'click')
    expect(bidi?.href).toBe('https://x.example/%E2%80%AEgpj.exe')
    const user = linkTarget('https://bank.example@evil.example/', 'https://bank.example')
    expect(user).toMatchObject({ before: 'https://bank.example@', host: 'evil.example', after: '/' })
    expect(user?.doubts).toEqual(['other_host', 'userinfo'])
    for (const t of [cyrillic, bidi, user]) expect(t?.href).toMatch(/^[\x21-\x7e]+$/)
  })

  it('S08 a long address is cut in its middle, never in its host', () => {
    const host = `${'a'.repeat(60)}.${'b'.repeat(60)}.example`
    const t = linkTarget(`https://${host}/${'c'.repeat(500)}?end`, 'here')
    expect(t?.host).toBe(host)
    expect(t?.cut).toBe(505 - 240)
    expect(t?.after.endsWith('?end')).toBe(true)
    expect(`${t?.before}${t?.host}`).toBe(`https://${host}`)
  })

  it('S08 what the text says is compared with the target', () => {
    expect(linkTarget('https://a.example/x', 'the manual')?.doubts).toEqual([])
    expect(linkTarget('https://a.example/x', 'a.example')?.doubts).toEqual([])
    expect(linkTarget('https://b.example/x', 'a.example')?.doubts).toEqual(['other_host'])
    expect(linkTarget('http://a.example:8080/', 'http://a.example:8080')?.doubts).toEqual([])
  })

  it.each([
    ['see https://a.example/x.', ['https://a.example/x']],
    ['(https://a.example/x_(y)) and <http://b.example>', ['https://a.example/x_(y)', 'http://b.example']],
    ['"https://a.example/?q=1&r=2", https://b.example!', ['https://a.example/?q=1&r=2', 'https://b.example']],
    ['javascript:alert(1) file:///etc/passwd www.a.example', []],
    ['https://a.example/\u202egpj', ['https://a.example/']],
    ['https://', []],
  ])('S08 addresses in %j', (text, want) => {
    expect(addressesIn(text).map((a) => a.address)).toEqual(want)
    for (const { at, address } of addressesIn(text)) expect(text.slice(at, at + address.length)).toBe(address)
  })
})
