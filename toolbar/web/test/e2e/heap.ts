import type { CDPSession, Page } from '@playwright/test'

/** What a page holds after its garbage is gone. */
export interface Held {
  /** Bytes of its own JavaScript heap, and of those of its Workers. */
  page: number
  workers: number
  nodes: number
}

/** Measures the heaps of a page and of its Workers, which Playwright does not reach. */
export class Heap {
  readonly #cdp: CDPSession
  readonly #workers = new Set<string>()
  readonly #answers = new Map<number, (result: unknown) => void>()
  #ids = 0

  private constructor(cdp: CDPSession) {
    this.#cdp = cdp
    cdp.on('Target.attachedToTarget', ({ sessionId, targetInfo }) => {
      if (targetInfo.type === 'worker') this.#workers.add(sessionId)
    })
    cdp.on('Target.detachedFromTarget', ({ sessionId }) => this.#workers.delete(sessionId))
    cdp.on('Target.receivedMessageFromTarget', ({ message }) => {
      const { id, result } = JSON.parse(message) as { id?: number; result?: unknown }
      if (id === undefined) return
      this.#answers.get(id)?.(result)
      this.#answers.delete(id)
    })
  }

  static async of(page: Page): Promise<Heap> {
    const heap = new Heap(await page.context().newCDPSession(page))
    await heap.#cdp.send('Target.setAutoAttach', { autoAttach: true, waitForDebuggerOnStart: false, flatten: false })
    return heap
  }

  async held(): Promise<Held> {
    await this.#cdp.send('HeapProfiler.collectGarbage')
    const { usedSize } = await this.#cdp.send('Runtime.getHeapUsage')
    const { nodes } = await this.#cdp.send('Memory.getDOMCounters')
    let workers = 0
    for (const w of this.#workers) {
      await this.#ask(w, 'HeapProfiler.collectGarbage')
      workers += ((await this.#ask(w, 'Runtime.getHeapUsage')) as { usedSize: number }).usedSize
    }
    return { page: usedSize, workers, nodes }
  }

  #ask(sessionId: string, method: string): Promise<unknown> {
    const id = ++this.#ids
    return new Promise((resolve, reject) => {
      this.#answers.set(id, resolve)
      this.#cdp.send('Target.sendMessageToTarget', { sessionId, message: JSON.stringify({ id, method }) }).catch(reject)
    })
  }
}
