import { execFileSync } from 'node:child_process'
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { everything, type Settings, type Target, World } from './world.js'

/** What the policy pins on the asset "fixed". */
export const pins = { term: 'vt100', font_size: '18' } as const

/** A world with machines that are reached in other ways: over jump hosts, with certificates. */
export class Fleet extends World {
  protected override async settings(t: Target): Promise<Settings> {
    const s = await super.settings(t)
    s.containers.push({ id: 'fleet', name: 'Fleet' })
    s.roles.push({ to: 'group:operators', on: 'fleet', role: 'viewer' })
    s.profiles.push({ id: 'pinned', declarations: everything, pins })
    const joining = { join_monitor: 'allow', join_participate: 'allow' }
    s.profiles.push({ id: 'joining', declarations: { ...everything, ...joining } })
    s.roles.push({ to: 'user:cleo', on: 'shared', role: 'manager' })
    s.assignments.push(
      { profile: 'joining', to: 'group:operators', on: 'shared' },
      { profile: 'joining', to: 'user:ruth', on: 'shared' },
      { profile: 'recorded', to: 'group:operators', on: 'fleet' },
      { profile: 'pinned', to: 'group:operators', on: 'fixed' },
    )
    s.assets.push(
      this.asset('fixed', t, { parent: 'fleet' }),
      this.asset('shared', t, { parent: 'fleet' }),
      ...(await this.#farAway()),
      ...(await this.#certified()),
    )
    return s
  }

  // A machine behind two jump hosts. Each lets through to the next one alone, and gives nobody a shell.
  async #farAway(): Promise<object[]> {
    const hop = (to: Target) => ['MaxSessions 0', 'PermitTTY no', `PermitOpen ${to.address}`]
    const far = await this.startServer('far')
    const inner = await this.startServer('inner', ...hop(far))
    const outer = await this.startServer('outer', ...hop(inner))
    return [
      this.asset('outer', outer, { parent: 'annex' }),
      this.asset('inner', inner, { parent: 'annex' }),
      this.asset('far', far, { parent: 'fleet', via: ['outer', 'inner'] }),
    ]
  }

  // A machine that knows no key of anybody, but an authority.
  async #certified(): Promise<object[]> {
    const file = (name: string) => join(this.dir, name)
    const keygen = (...args: string[]) => execFileSync('ssh-keygen', ['-q', ...args])
    keygen('-t', 'ed25519', '-N', '', '-C', '', '-f', file('authority'))
    const t = await this.startServer(
      'certified',
      `TrustedUserCAKeys ${file('authority.pub')}`,
      'AuthorizedKeysFile none',
    )
    const asset = (id: string, serial: string, valid: string) => {
      keygen('-t', 'ed25519', '-N', '', '-C', '', '-f', file(id))
      keygen('-s', file('authority'), '-I', `lease-${id}`, '-z', serial, '-n', t.user, '-V', valid, file(`${id}.pub`))
      copyFileSync(file(`${id}-cert.pub`), file(`${id}.cert`))
      return this.asset(id, t, { parent: 'fleet', key_file: file(id), certificate_file: file(`${id}.cert`) })
    }
    return [asset('leased', '4711', '-5m:+1h'), asset('lapsed', '4712', '-2h:-1h')]
  }
}
