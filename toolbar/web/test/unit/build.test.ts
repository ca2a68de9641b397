// @vitest-environment happy-dom
import { beforeEach, describe, expect, it, vi } from 'vitest'

const base = new URL('https://gateway.example/pam/')

/** The module anew, in a page that runs the given entry, with a gateway that has these entries. */
async function page(entry: string, entries: Record<string, string> | undefined) {
  vi.resetModules()
  vi.stubGlobal('fetch', async () => {
    if (!entries) throw new TypeError('not reached')
    return new Response(JSON.stringify({ entries }))
  })
  const build = await import('../../src/net/build.js')
  build.setBuild(`https://gateway.example/pam/assets/${entry}?x#y`)
  return build
}

beforeEach(() => sessionStorage.clear())

describe('S36 a page that is older than the gateway', () => {
  it('S36 is told by the name of its entry', async () => {
    const entries = { 'index.js': 'index-BBBB.js', 'session.js': 'session-BBBB.js' }
    expect(await (await page('session-BBBB.js', entries)).newerBuild(base)).toBe('')
    expect(await (await page('index-BBBB.js', entries)).newerBuild(base)).toBe('')
    expect(await (await page('session-AAAA.js', entries)).newerBuild(base)).toBe('session-BBBB.js')
  })

  it('S36 is not supposed where there is no telling', async () => {
    expect(await (await page('session-AAAA.js', {})).newerBuild(base)).toBe('')
    expect(await (await page('bundle-of-the-host.js', { 'session.js': 'session-B.js' })).newerBuild(base)).toBe('')
  })

  it('S36 is asked for again where the gateway was not reached', async () => {
    await expect((await page('session-AAAA.js', undefined)).newerBuild(base)).rejects.toThrow('not reached')
  })

  it('S36 reloads itself once for each build, and never when the gateway is away', async () => {
    const entries = { 'session.js': 'session-BBBB.js' }
    const old = await page('session-AAAA.js', entries)
    expect(await old.mayReload(base)).toBe(true)
    expect(await old.mayReload(base)).toBe(false)
    expect(old.hasReloaded('session-BBBB.js')).toBe(true)
    // Reloaded, and the old client came again, out of some cache.
    expect(await (await page('session-AAAA.js', entries)).mayReload(base)).toBe(false)
    // The next deploy is another matter.
    expect(await (await page('session-AAAA.js', { 'session.js': 'session-CCCC.js' })).mayReload(base)).toBe(true)
    // The gateway speaks another protocol and has the same client: once as well.
    const same = await page('session-CCCC.js', { 'session.js': 'session-CCCC.js' })
    expect(await same.mayReload(base)).toBe(true)
    expect(await same.mayReload(base)).toBe(false)
    expect(await (await page('session-AAAA.js', undefined)).mayReload(base)).toBe(false)
  })

  it('S36 does not reload itself where that cannot be remembered', async () => {
    const old = await page('session-AAAA.js', { 'session.js': 'session-DDDD.js' })
    vi.stubGlobal('sessionStorage', { getItem: () => null, setItem: () => {} }) // takes everything, keeps nothing
    expect(await old.mayReload(base)).toBe(false)
    vi.unstubAllGlobals()
  })
})
