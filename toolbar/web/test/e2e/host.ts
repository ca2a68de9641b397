import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Network } from './network.js'
import { bin } from './paths.js'

/** A host application with a page of its own, behind a network that can be cut. */
export class HostApp {
  readonly network = new Network()
  url = ''
  log = ''
  #process: ChildProcess | undefined

  async start(): Promise<void> {
    this.url = await this.network.listen()
    const host = spawn(join(bin, 'webhost'), ['-origin', this.url], { stdio: ['pipe', 'pipe', 'pipe'] })
    this.#process = host
    host.stderr.on('data', (b: Buffer) => {
      this.log += b.toString()
    })
    const line = await new Promise<string>((resolve, reject) => {
      createInterface({ input: host.stdout }).once('line', resolve)
      host.once('exit', (code) => reject(new Error(`webhost ended with ${code}: ${this.log}`)))
    })
    this.network.target = Number(new URL(line.replace('webhost: listening on ', '')).port)
  }

  /** Serves another build of the client from now on: 0 or 1. */
  async deploy(build: 0 | 1): Promise<void> {
    await fetch(`${this.url}/deploy/${build}`, { method: 'POST' })
  }

  async stop(): Promise<void> {
    await this.network.close()
    const host = this.#process
    if (!host || host.exitCode !== null) return
    await new Promise<void>((resolve) => {
      host.once('exit', () => resolve())
      host.stdin?.end()
    })
  }
}
