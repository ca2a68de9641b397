import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Network } from './network.js'
import { bin } from './paths.js'

/** What opensshd says about itself. */
export interface Target {
  address: string
  user: string
  host_key: string
  private_key: string
  dir: string
}

/** The portal's configuration, as far as somebody adds to it. */
export interface Settings {
  users: object[]
  asset_types: object[]
  containers: object[]
  assets: object[]
  roles: object[]
  profiles: object[]
  assignments: object[]
  [part: string]: unknown
}

/** Declarations that permit all that a session can do, recorded. */
export const everything = {
  web_session: 'record',
  keyboard: 'allow',
  clipboard_upload: 'allow',
  clipboard_download: 'allow',
  session_url: 'allow',
}

/** Password of everybody. The hash is bcrypt of it. */
export const password = 'e2e-password'
export const passwordHash = '$2a$10$ToXAERV3NKZ1EVoX8075lu./odneQ5BKKEVrO020meCVdbyeQRFZi'

/** Names that would do harm if they were ever taken for markup. */
export const evilName = `<img src=x onerror="document.title='owned'">"'&<script>document.title='owned'</script>`
export const evilAsset = `<svg onload=alert(1)>\u202Etxt.exe <b>bold</b> \${7*7} {{7*7}}`

/** Values that must stay where they are put. */
export const secrets = {
  passphrase: 'canary-Passphrase-8Zq2',
  password: 'canary-Password-4Xk9',
}

/** What the authenticators of mia and nils hold. */
export const totpSecret = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'

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
  /** What the portal finds in its environment, beside the usual. */
  protected readonly environment: Record<string, string> = {}
  #portal: ChildProcess | undefined
  readonly #servers = new Map<string, ChildProcess>()
  readonly #targets = new Map<string, Target>()

  async start(): Promise<void> {
    this.target = await this.startServer('sshd')
    this.url = await this.network.listen()
    const settings = await this.settings(this.target)
    // JSON is YAML.
    writeFileSync(join(this.dir, 'portal.yaml'), JSON.stringify(settings, null, 1), { mode: 0o600 })
    await this.startPortal()
  }

  /** Starts an OpenSSH server in a folder of its own; options are lines of sshd_config. */
  async startServer(name: string, ...options: string[]): Promise<Target> {
    const args = ['-dir', join(this.dir, name), ...options.flatMap((o) => ['-o', o])]
    const server = spawn(join(bin, 'opensshd'), args, { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#servers.set(name, server)
    const target = JSON.parse(await firstLine(server)) as Target
    this.#targets.set(name, target)
    return target
  }

  /** Ends a server with all its connections, and waits for it. */
  async stopServer(name: string): Promise<void> {
    const server = this.#servers.get(name)
    // It ends with its standard input.
    await stop(server, () => server?.stdin?.end())
  }

  /** Where a server listens. */
  address(name: string): string {
    return this.#targets.get(name)?.address ?? ''
  }

  /** What a server has logged. */
  serverLog(name: string): string {
    return readFileSync(join(this.dir, name, 'log'), { encoding: 'utf8', flag: 'a+' })
  }

  /** Starts the portal, again if it was stopped. */
  async startPortal(): Promise<void> {
    const portal = spawn(
      join(bin, 'portal'),
      ['-v', '-addr', '127.0.0.1:0', '-data', this.data, '-config', join(this.dir, 'portal.yaml')],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: {
          ...process.env,
          E2E_PASSPHRASE: secrets.passphrase,
          E2E_PASSWORD: secrets.password,
          ...this.environment,
        },
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
    for (const name of this.#servers.keys()) await this.stopServer(name)
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

  /** An asset on a server that is signed in to with the server's key. */
  protected asset(id: string, t: Target, rest: Record<string, unknown> = {}): object {
    return {
      id,
      type: 'linux',
      parent: 'lab',
      address: t.address,
      account: t.user,
      key_file: t.private_key,
      host_keys: [t.host_key],
      ...rest,
    }
  }

  /** What the portal is configured with. */
  protected async settings(t: Target): Promise<Settings> {
    // The same key once more, under a passphrase that nobody else may ever see.
    const locked = join(this.dir, 'locked_key')
    writeFileSync(locked, readFileSync(t.private_key), { mode: 0o600 })
    execFileSync('ssh-keygen', ['-q', '-p', '-P', '', '-N', secrets.passphrase, '-f', locked])
    const asset = (id: string, rest: Record<string, unknown> = {}) => this.asset(id, t, rest)
    return {
      origins: [this.url],
      gateway: 'e2e-gw-1',
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
    }
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
