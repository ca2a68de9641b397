import type { Clock } from './clock.js'

/** How long the last bytes may stay unacknowledged, in milliseconds. */
export const ACK_DELAY = 50

/**
 * Flow counts what one socket has consumed and says when to acknowledge it: whenever `every` more bytes have been
 * consumed, and ACK_DELAY after the last ones. In a covered tab timers may be held back for a minute, so there nothing
 * waits for one.
 */
export class Flow {
  #consumed = 0
  #acked = 0
  #cancel: (() => void) | undefined
  /** Bytes after which an acknowledgement is due. */
  every = 64 << 10
  /** Set while timers cannot be relied on. */
  hidden = false
  readonly #clock: Clock
  readonly #send: (total: number) => void

  constructor(clock: Clock, send: (total: number) => void) {
    this.#clock = clock
    this.#send = send
  }

  /** Counts bytes as consumed: parsed by the terminal, or of a kind that is not shown. */
  consume(bytes: number): void {
    this.#consumed += bytes
    if (this.#consumed - this.#acked >= this.every || (this.hidden && this.#consumed > this.#acked)) this.flush()
    else if (this.#consumed > this.#acked && !this.#cancel) {
      this.#cancel = this.#clock.after(ACK_DELAY, () => {
        this.#cancel = undefined
        this.flush()
      })
    }
  }

  /** Acknowledges all that has been consumed. */
  flush(): void {
    this.#cancel?.()
    this.#cancel = undefined
    if (this.#consumed === this.#acked) return
    this.#acked = this.#consumed
    this.#send(this.#acked)
  }

  /** Ends with the socket. */
  stop(): void {
    this.#cancel?.()
    this.#cancel = undefined
    this.#acked = this.#consumed
  }
}
