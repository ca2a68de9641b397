import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Network } from './network.js'
import { bin } from './paths.js'

/** What opensshd says about itself. */
interface Target {
  address: string
  user: string
  host_key: string
  private_key: string
}

/** Password of everybody. The hash is bcrypt of it. */
export const password = 'e2e-password'
const passwordHash = '$2a$10$ToXAERV3NKZ1EVoX8075lu./odneQ5BKKEVrO020meCVdbyeQRFZi'

/** Names that would do harm if they were ever taken for markup. */
export const evilName = `<img src=x onerror="document.title='owned'">"'&<script>document.title='owned'</script>`
export const evilAsset = `<svg onload=alert(1)>\u202Etxt.exe <b>bold</b> \${7*7} {{7*7}}`

/** Values that must stay where they are put. */
export const secrets = {
  passphrase: 'canary-Passphrase-8Zq2',
  password: 'canary-Password-4Xk9',
}

/** What the authenticators of mia and nils hold. */
const totpSecret = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'

/** What those authenticators show now: HOTP (RFC 4226) of the 30 s step. */
export function presentToken(): string {
  const bits = [...totpSecret].map((c) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0'))
  const key = Buffer.from(
    bits
      .join('')
      .match(/.{8}/g)
      ?.map((b) => Number.parseInt(b, 2)) ?? [],
  )
  const step = Buffer.alloc(8)
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)))
  const mac = createHmac('sha1', key).update(step).digest()
  const at = (mac.at(-1) ?? 0) & 0xf
  return String((mac.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, '0')
}

/** A portal and an OpenSSH server of its own, in a folder that is gone afterwards. */
export class World {
  readonly dir = mkdtempSync(join(tmpdir(), 'sallyport-e2e-'))
  readonly data = join(this.dir, 'data')
  readonly network = new Network()
  /** Where the browser finds the portal: the near end of the network. */
  url = ''
  log = ''
  target: Target | undefined
  #portal: ChildProcess | undefined
  #sshd: ChildProcess | undefined

  async start(): Promise<void> {
    const sshd = spawn(join(bin, 'opensshd'), ['-dir', join(this.dir, 'sshd')], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#sshd = sshd
    this.target = JSON.parse(await firstLine(sshd)) as Target
    this.url = await this.network.listen()
    writeFileSync(join(this.dir, 'portal.yaml'), this.#config(this.target), { mode: 0o600 })
    await this.startPortal()
  }

  /** Starts the portal, again if it was stopped. */
  async startPortal(): Promise<void> {
    const portal = spawn(
      join(bin, 'portal'),
      ['-v', '-addr', '127.0.0.1:0', '-data', this.data, '-config', join(this.dir, 'portal.yaml')],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, E2E_PASSPHRASE: secrets.passphrase, E2E_PASSWORD: secrets.password },
      },
    )
    this.#portal = portal
    portal.stderr.on('data', (b: Buffer) => {
      this.log += b.toString()
    })
    const line = await firstLine(portal).catch((err: unknown) => {
      throw new Error(`portal: ${String(err)}\n${this.log}`)
    })
    this.network.target = Number(new URL(line.replace('portal: listening on ', '')).port)
  }

  /** Ends the portal as a service manager would, and waits for it. */
  async stopPortal(): Promise<number | null> {
    return stop(this.#portal, () => this.#portal?.kill('SIGTERM'))
  }

  async stop(): Promise<void> {
    await this.network.close()
    await this.stopPortal()
    // It ends with its standard input.
    await stop(this.#sshd, () => this.#sshd?.stdin?.end())
    rmSync(this.dir, { recursive: true, force: true })
  }

  /** A path on the target for a file that proves that a command ran there. */
  marker(name: string): string {
    const dir = join(this.dir, 'markers')
    mkdirSync(dir, { recursive: true })
    return join(dir, name)
  }

  /** The audit events so far. */
  events(): { verb: string; user?: string; asset?: string; session?: string; code?: string; reason?: string }[] {
    return execFileSync(join(bin, 'portal'), ['events', '-data', this.data], { encoding: 'utf8' })
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line))
  }

  /** The recording of a session, or '' if there is none. */
  recording(session: string): string {
    const dir = join(this.data, 'recordings')
    const name = readdirSync(dir).find((f) => f.includes(session))
    return name ? join(dir, name) : ''
  }

  /** Runs the verifier on a recording. */
  rec(...args: string[]): string {
    return execFileSync(join(bin, 'rec'), args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  }

  #config(t: Target): string {
    // The same key once more, under a passphrase that nobody else may ever see.
    const locked = join(this.dir, 'locked_key')
    writeFileSync(locked, readFileSync(t.private_key), { mode: 0o600 })
    execFileSync('ssh-keygen', ['-q', '-p', '-P', '', '-N', secrets.passphrase, '-f', locked])
    const asset = (id: string, rest: Record<string, unknown> = {}) => ({
      id,
      type: 'linux',
      parent: 'lab',
      address: t.address,
      account: t.user,
      key_file: t.private_key,
      host_keys: [t.host_key],
      ...rest,
    })
    const everything = {
      web_session: 'record',
      keyboard: 'allow',
      clipboard_upload: 'allow',
      clipboard_download: 'allow',
      session_url: 'allow',
    }
    // JSON is YAML.
    return JSON.stringify(
      {
        origins: [this.url],
        users: [
          { id: 'anna', name: 'Anna Richter', password_hash: passwordHash, groups: ['operators'] },
          { id: 'ben', name: 'Ben Okafor', password_hash: passwordHash, groups: ['readers'] },
          { id: 'cleo', name: evilName, password_hash: passwordHash, groups: ['operators'] },
          { id: 'dora', name: 'Dora Without', password_hash: passwordHash },
          { id: 'mia', name: 'Mia Lindqvist', password_hash: passwordHash, totp_secret: totpSecret },
          { id: 'nils', name: 'Nils Berg', password_hash: passwordHash, totp_secret: totpSecret },
          { id: 'ruth', name: 'Ruth Adler', password_hash: passwordHash, site_role: 'administrator' },
          { id: 'otto', name: 'عثمان Otto', password_hash: passwordHash, site_role: 'auditor' },
        ],
        groups: [{ id: 'operators' }, { id: 'readers' }],
        asset_types: [
          { id: 'linux', name: 'Linux server', protocol: 'ssh', os: 'unix' },
          { id: 'secret', name: 'Shared secret' },
        ],
        containers: [
          { id: 'lab', name: 'Laboratory' },
          { id: 'annex', name: 'Annex' },
          { id: 'cellar', name: 'Kellergeschoss der Fertigungssteuerung', parent: 'annex' },
        ],
        assets: [
          asset('shell'),
          asset('plain'),
          asset('narrow'),
          asset('locked', { key_file: locked, passphrase_env: 'E2E_PASSPHRASE' }),
          asset('wrong-password', { key_file: undefined, password_env: 'E2E_PASSWORD' }),
          asset('wrong-key', { host_keys: ['SHA256:uwhhVAcZnKF5QGAM4xjSrA3cOP5HyzNRO4uQvCZZzWE'] }),
          asset('nowhere', { address: '127.0.0.1:1' }),
          asset('evil', { name: evilAsset, tags: [evilName] }),
          { id: 'note', type: 'secret', parent: 'lab' },
          asset('guarded', { break: ['roles', 'profiles'] }), // asks for a second factor
          asset('kiosk', { parent: 'cellar' }), // nobody has a role there
        ],
        roles: [
          { to: 'group:operators', on: 'lab', role: 'viewer' },
          { to: 'group:readers', on: 'shell', role: 'viewer' },
          { to: 'user:mia', on: 'guarded', role: 'viewer' },
          { to: 'user:nils', on: 'guarded', role: 'viewer' },
        ],
        profiles: [
          { id: 'recorded', declarations: everything },
          { id: 'plain', declarations: { ...everything, web_session: 'allow' } },
          { id: 'guarded', declarations: everything, mfa: true },
          { id: 'narrow', declarations: { web_session: 'record' } },
        ],
        assignments: [
          { profile: 'recorded', to: 'group:operators', on: 'lab' },
          { profile: 'plain', to: 'group:operators', on: 'plain' },
          { profile: 'narrow', to: 'group:operators', on: 'narrow' },
          { profile: 'guarded', to: 'everyone', on: 'guarded' },
        ],
      },
      null,
      1,
    )
  }
}

/** The first line of a program's output. */
function firstLine(p: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    if (!p.stdout) {
      reject(new Error('no output'))
      return
    }
    const lines = createInterface({ input: p.stdout })
    lines.once('line', resolve)
    p.once('error', reject)
    p.once('exit', (code) => reject(new Error(`ended with ${code}`)))
  })
}

function stop(p: ChildProcess | undefined, how: () => void): Promise<number | null> {
  return new Promise((resolve) => {
    if (!p || p.exitCode !== null || p.signalCode !== null) {
      resolve(p?.exitCode ?? null)
      return
    }
    p.once('exit', resolve)
    how()
  })
}
