import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { Transform } from 'node:stream'

/** A TCP proxy between the browser and the portal: a network that can be cut, and that hears every byte. */
export class Network {
  #server: Server
  #pairs = new Set<[Socket, Socket]>()
  #cut = false
  #tap: Buffer[] | undefined
  #rate = Number.POSITIVE_INFINITY
  #paced = new Set<Paced>()
  /** How long every byte is on its way, in milliseconds, of connections that begin from now on. */
  delay = 0
  target = 0
  port = 0

  /** paced: how fast it is can be changed. */
  constructor(readonly paced = false) {
    this.#server = createServer((client) => this.#serve(client))
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    this.port = (this.#server.address() as AddressInfo).port
    return `http://127.0.0.1:${this.port}`
  }

  /** Drops every connection, and each new one until mend. */
  cut(): void {
    this.#cut = true
    for (const [a, b] of this.#pairs) {
      a.resetAndDestroy()
      b.resetAndDestroy()
    }
  }

  mend(): void {
    this.#cut = false
  }

  /** From now on each connection of a paced network takes no more than so many bytes a second to the browser; 0 is none. */
  pace(rate: number): void {
    this.#rate = rate
    for (const p of this.#paced) p.go(rate)
  }

  /** Begins to keep what goes over the wire, in both directions. */
  listenIn(): void {
    this.#tap = []
  }

  /** What went over the wire since listenIn. */
  heard(): Buffer {
    return Buffer.concat(this.#tap ?? [])
  }

  close(): Promise<void> {
    this.#tap = undefined
    this.cut()
    return new Promise((resolve) => this.#server.close(() => resolve()))
  }

  #serve(client: Socket): void {
    if (this.#cut || this.target === 0) {
      client.resetAndDestroy()
      return
    }
    const server = connect(this.target, '127.0.0.1')
    const pair: [Socket, Socket] = [client, server]
    this.#pairs.add(pair)
    const end = (): void => {
      this.#pairs.delete(pair)
      client.destroy()
      server.destroy()
    }
    for (const s of pair) {
      s.setNoDelay(true)
      s.on('error', end)
      s.on('close', end)
      s.on('data', (b: Buffer) => this.#tap?.push(b))
    }
    if (this.delay > 0) {
      client.pipe(new Delayed(this.delay)).pipe(server)
      server.pipe(new Delayed(this.delay)).pipe(client)
      return
    }
    client.pipe(server)
    if (!this.paced) {
      server.pipe(client)
      return
    }
    const paced = new Paced(this.#rate)
    this.#paced.add(paced)
    client.once('close', () => this.#paced.delete(paced))
    server.pipe(paced).pipe(client)
  }
}

/** How often a paced connection lets something through, in milliseconds. */
const BEAT = 50

/** A stream that takes its time, and holds back whoever writes into it. */
class Paced extends Transform {
  #rate: number
  #held: (() => void) | undefined

  constructor(rate: number) {
    super({ highWaterMark: 4096 })
    this.#rate = rate
  }

  go(rate: number): void {
    this.#rate = rate
    const held = this.#held
    this.#held = undefined
    held?.()
  }

  override _transform(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    if (this.#rate === Number.POSITIVE_INFINITY) {
      this.push(chunk)
      return done()
    }
    if (this.#rate === 0) {
      this.#held = () => this._transform(chunk, 'binary', done)
      return
    }
    const now = Math.max(1, Math.min(chunk.length, Math.floor((this.#rate * BEAT) / 1000)))
    this.push(chunk.subarray(0, now))
    const rest = chunk.subarray(now)
    setTimeout(() => (rest.length > 0 ? this._transform(rest, 'binary', done) : done()), (now / this.#rate) * 1000)
  }
}

/** A stream from which everything comes later, in its order. */
class Delayed extends Transform {
  constructor(readonly delay: number) {
    super()
  }

  override _transform(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    setTimeout(() => this.destroyed || this.push(chunk), this.delay)
    done()
  }

  override _flush(done: () => void): void {
    setTimeout(done, this.delay)
  }
}
