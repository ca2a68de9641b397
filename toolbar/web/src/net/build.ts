import { parseObject } from '../core/types.js'

// Which build of the client this page runs, and which one the gateway has now. An entry's name holds a hash of all
// that it loads, so equal names mean an equal client.

/** Where a page remembers for which build it has reloaded itself: once is enough, whatever comes of it. */
const RELOADED = 'sallyport.reloaded'

let running = ''

/** The file's name of an address. */
const fileOf = (address: string): string => address.split(/[?#]/)[0]?.split('/').pop() ?? ''

/** Names the entry that this page has loaded; called by the entry. */
export function setBuild(address: string): void {
  running ||= fileOf(address)
}

/**
 * The entry that the gateway has in place of the one that this page runs; empty if it is the same one, or if there is
 * no telling, as with a bundle of the host's own. Throws if the gateway is not reached: whoever asks before coming back
 * has to ask again, or a page whose question was lost on a bad network would go on with the old client.
 */
export async function newerBuild(base: URL): Promise<string> {
  return running ? newer(await manifest(base)) : ''
}

function manifest(base: URL): Promise<Response> {
  return fetch(new URL('assets/manifest.json', base), { credentials: 'same-origin', cache: 'no-cache' })
}

async function newer(answer: Response): Promise<string> {
  if (!answer.ok) return ''
  const entries = parseObject(await answer.text())?.entries
  if (typeof entries !== 'object' || entries === null) return ''
  const names = Object.entries(entries as Record<string, unknown>)
  if (names.some(([, file]) => file === running)) return ''
  const same = names.find(([entry]) => running.startsWith(`${entry.replace(/\.js$/, '')}-`))
  return typeof same?.[1] === 'string' ? same[1] : ''
}

/**
 * Whether the page may reload itself now: the gateway is there, and the page has not done so for the same reason
 * before. Asked once, it counts as done, so that no page reloads itself in a loop.
 */
export async function mayReload(base: URL): Promise<boolean> {
  let build = ''
  try {
    const there = await manifest(base)
    if (!there.ok) return false
    build = await newer(there)
  } catch {
    return false
  }
  build ||= `after ${running}`
  return !hasReloaded(build) && markReloaded(build)
}

/** Whether the page has reloaded itself for this build already. Where nothing can be remembered it counts as done. */
export function hasReloaded(build: string): boolean {
  try {
    return sessionStorage.getItem(RELOADED) === build
  } catch {
    return true
  }
}

/** Remembers that the page reloads itself for this build; false if it cannot be remembered, so that it must not. */
function markReloaded(build: string): boolean {
  try {
    sessionStorage.setItem(RELOADED, build)
    return sessionStorage.getItem(RELOADED) === build
  } catch {
    return false
  }
}
