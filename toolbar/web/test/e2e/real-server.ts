import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { bin } from './paths.js'
import { type Picture, picture } from './picture.js'

/** What a real RDP server says about itself: addresses by what secures the connection, and who may sign in. */
export interface About {
  addresses: Readonly<Record<'tls' | 'nla' | 'rdp', string>>
  user: string
  password: string
  certificate: string
  home: string
}

interface Answer {
  id: number
  out?: string
  width?: number
  height?: number
  error?: string
}

/** A real RDP server with a display that a test can look at, and programs beside it. See rdp/internal/rdplab. */
export class RealServer {
  readonly #process: ChildProcess
  readonly #lines: Interface
  readonly #asked = new Map<number, (a: Answer) => void>()
  readonly #pixels = mkdtempSync(join(tmpdir(), 'sallyport-pixels-'))
  readonly about: Promise<About>
  #said = ''
  #ids = 0

  constructor(kind: 'xrdp' | 'shadow') {
    this.#process = spawn(join(bin, 'realrdp'), [kind], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, PAM_INTEROP: 'required' },
    })
    this.#process.stderr?.on('data', (b: Buffer) => {
      this.#said += b.toString()
    })
    if (!this.#process.stdout) throw new Error('no output')
    this.#lines = createInterface({ input: this.#process.stdout })
    this.about = new Promise((resolve, reject) => {
      this.#process.once('error', reject)
      this.#process.once('exit', (code) => {
        reject(new Error(`realrdp ended with ${code}: ${this.#said}`))
        for (const answer of this.#asked.values()) answer({ id: 0, error: `realrdp ended with ${code}` })
      })
      this.#lines.once('line', (first) => {
        resolve(JSON.parse(first) as About)
        this.#lines.on('line', (line) => {
          const a = JSON.parse(line) as Answer
          this.#asked.get(a.id)?.(a)
          this.#asked.delete(a.id)
        })
      })
    })
  }

  /** Runs a program on the server's display, as who signs in there, and returns what it printed. */
  async run(...args: string[]): Promise<string> {
    return (await this.#ask({ run: args })).out ?? ''
  }

  /** Runs a script of the shell in the same way. */
  sh(script: string): Promise<string> {
    return this.run('sh', '-c', script)
  }

  /** What the display shows. */
  async screen(): Promise<Picture> {
    const file = join(this.#pixels, String(this.#ids))
    const { width = 0, height = 0 } = await this.#ask({ screen: file })
    const pixels = readFileSync(file)
    rmSync(file)
    return picture(width, height, pixels)
  }

  /** Ends the server and all that runs on it. */
  async stop(): Promise<void> {
    rmSync(this.#pixels, { recursive: true, force: true })
    const p = this.#process
    if (p.exitCode !== null || p.signalCode !== null) return
    await new Promise((resolve) => {
      p.once('exit', resolve)
      p.stdin?.end()
    })
  }

  async #ask(request: object): Promise<Answer> {
    const id = ++this.#ids
    const a = await new Promise<Answer>((resolve) => {
      this.#asked.set(id, resolve)
      this.#process.stdin?.write(`${JSON.stringify({ id, ...request })}\n`)
    })
    if (a.error) throw new Error(a.error)
    return a
  }
}
