import type { BrowserContext, CDPSession } from '@playwright/test'

/** A tab as the browser itself has it. */
interface Tab {
  targetId: string
  sessionId: string
}

/**
 * Tabs of one window, of which one covers the others. Playwright makes every page believe that it is in front, so these
 * are opened and asked past it.
 */
export class Tabs {
  #browser: CDPSession
  #context: string
  #next = 0

  private constructor(browser: CDPSession, context: string) {
    this.#browser = browser
    this.#context = context
  }

  /** A window with the cookies of a context. */
  static async like(context: BrowserContext): Promise<Tabs> {
    const browser = await context.browser()?.newBrowserCDPSession()
    if (!browser) throw new Error('no browser')
    const { browserContextId } = await browser.send('Target.createBrowserContext')
    const cookies = (await context.cookies()).map(({ name, value, domain, path, httpOnly }) => ({
      name,
      value,
      domain,
      path,
      httpOnly,
    }))
    await browser.send('Storage.setCookies', { browserContextId, cookies })
    return new Tabs(browser, browserContextId)
  }

  /** Opens a tab in front of the others. */
  async open(url: string): Promise<Tab> {
    const { targetId } = await this.#browser.send('Target.createTarget', { url, browserContextId: this.#context })
    const { sessionId } = await this.#browser.send('Target.attachToTarget', { targetId, flatten: false })
    return { targetId, sessionId }
  }

  /** Brings a tab to the front. */
  async show(tab: Tab): Promise<void> {
    await this.#browser.send('Target.activateTarget', { targetId: tab.targetId })
  }

  /** The value of an expression in a tab, as text. */
  evaluate(tab: Tab, expression: string): Promise<string> {
    const id = ++this.#next
    return new Promise((resolve, reject) => {
      const heard = (e: { sessionId: string; message: string }): void => {
        const m = JSON.parse(e.message) as { id?: number; result?: { result?: { value?: unknown } } }
        if (e.sessionId !== tab.sessionId || m.id !== id) return
        this.#browser.off('Target.receivedMessageFromTarget', heard)
        resolve(String(m.result?.result?.value))
      }
      this.#browser.on('Target.receivedMessageFromTarget', heard)
      const message = JSON.stringify({ id, method: 'Runtime.evaluate', params: { expression } })
      this.#browser.send('Target.sendMessageToTarget', { sessionId: tab.sessionId, message }).catch(reject)
    })
  }

  async close(): Promise<void> {
    await this.#browser.send('Target.disposeBrowserContext', { browserContextId: this.#context })
    await this.#browser.detach()
  }
}
