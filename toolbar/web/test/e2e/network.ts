import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** A TCP proxy between the browser and the portal: a network that can be cut, and that hears every byte. */
export class Network {
  #server: Server
  #pairs = new Set<[Socket, Socket]>()
  #cut = false
  #tap: Buffer[] | undefined
  target = 0
  port = 0

  constructor() {
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
    client.pipe(server)
    server.pipe(client)
  }
}
