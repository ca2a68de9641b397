// @vitest-environment happy-dom
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  chooseLocale,
  SpAccessButton,
  SpLauncher,
  SpPlayer,
  SpRequest,
  SpRequestForm,
  SpRequests,
  SpSession,
} from '../../src/index.js'

const bundle = { chooseLocale, SpAccessButton, SpLauncher, SpPlayer, SpRequest, SpRequestForm, SpRequests, SpSession }

const published = readFileSync(join(import.meta.dirname, '../../types/index.d.ts'), 'utf8')

/** The body of a class in the declarations. */
function membersOf(name: string): string[] {
  const body = new RegExp(`export class ${name} extends HTMLElement \\{([\\s\\S]*?)\\n\\}`).exec(published)?.[1] ?? ''
  return [...body.matchAll(/^ {2}(\w+)[(:?]/gm)].map((m) => m[1] ?? '')
}

describe('S33 the published declarations', () => {
  it('S33 name what the bundle exports, no more and no less', () => {
    const declared = [...published.matchAll(/^export (?:class|function) (\w+)/gm)].map((m) => m[1]).sort()
    expect(declared).toEqual(Object.keys(bundle).sort())
  })

  for (const name of Object.keys(bundle).filter((n) =>
    n.startsWith('Sp'),
  ) as `Sp${'AccessButton' | 'Launcher' | 'Player' | 'Request' | 'RequestForm' | 'Requests' | 'Session'}`[]) {
    it(`S33 ${name} has every declared member, and declares every attribute`, () => {
      const element = bundle[name]
      const members = membersOf(name)
      expect(members.length).toBeGreaterThan(1)
      const attributes = [...element.elementProperties].filter(([, p]) => !p.state).map(([name]) => String(name))
      for (const attribute of attributes) expect(members).toContain(attribute)
      for (const member of members) {
        if (!attributes.includes(member)) expect(typeof Reflect.get(element.prototype, member), member).toBe('function')
      }
      expect(published).toContain(`: ${name}\n`)
    })
  }

  it('S33 declare every event that the sources do', () => {
    const source = readFileSync(join(import.meta.dirname, '../../src/events.ts'), 'utf8')
    for (const [line] of source.matchAll(/^ {4}'sp-[\w-]+': .*$/gm)) expect(published).toContain(line)
  })
})
