// The way of output into the terminal. The terminal's own write buffer is emptied by timers, which browsers hold back
// to one a second, later one a minute, in a tab that is covered: output would pile up and the target would stand still.
// Here work is cut into slices by messages of a MessageChannel, which are never held back.

/** How long one slice may take, in milliseconds: seen, so that frames are drawn and keys are heard; covered, longer. */
const SLICE_SEEN = 12
const SLICE_COVERED = 60

/** The largest piece that is parsed in one go, in bytes. */
const PIECE = 32 << 10

/** A step of work: bytes for the terminal, or something to do between them. */
type Step = { bytes: Uint8Array; done: (() => void) | undefined } | { run: () => void }

/** What a pump needs of its surroundings. */
export interface PumpConfig {
  /** Parses bytes at once. */
  write: (bytes: Uint8Array) => void
  /** Calls back in a task of its own, soon, and also in a covered tab. */
  schedule: (fn: () => void) => void
  now: () => number
  hidden: () => boolean
}

/** Pump parses output in order, without blocking the page for longer than a slice. */
export class Pump {
  readonly #steps: Step[] = []
  #head = 0
  #scheduled = false
  #working = false
  #stopped = false
  readonly #cfg: PumpConfig

  constructor(cfg: PumpConfig) {
    this.#cfg = cfg
  }

  /** Appends output; the promise is resolved when all of it has been parsed. */
  write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      for (let at = 0; at < bytes.length || at === 0; at += PIECE) {
        const last = at + PIECE >= bytes.length
        this.#steps.push({ bytes: bytes.subarray(at, at + PIECE), done: last ? resolve : undefined })
      }
      this.#wake()
    })
  }

  /** Appends something to do once all output before it has been parsed. */
  run(fn: () => void): void {
    this.#steps.push({ run: fn })
    this.#wake()
  }

  /** Drops what has not been parsed. */
  stop(): void {
    this.#stopped = true
    this.#steps.length = 0
    this.#head = 0
  }

  #wake(): void {
    if (this.#scheduled || this.#working || this.#stopped) return
    this.#work() // what comes to an idle terminal, an echo, is drawn in the very next frame
  }

  #work(): void {
    this.#working = true
    const until = this.#cfg.now() + (this.#cfg.hidden() ? SLICE_COVERED : SLICE_SEEN)
    try {
      for (;;) {
        const step = this.#steps[this.#head]
        if (!step) break
        this.#head++
        this.#step(step)
        if (this.#cfg.now() >= until) break
      }
    } finally {
      this.#working = false
    }
    if (this.#head < this.#steps.length) {
      if (this.#head > 256) {
        this.#steps.splice(0, this.#head)
        this.#head = 0
      }
      this.#later()
    } else {
      this.#steps.length = 0
      this.#head = 0
    }
  }

  #later(): void {
    this.#scheduled = true
    this.#cfg.schedule(() => {
      this.#scheduled = false
      if (!this.#stopped) this.#work()
    })
  }

  #step(step: Step): void {
    try {
      if ('run' in step) step.run()
      else {
        if (step.bytes.length > 0) this.#cfg.write(step.bytes)
        step.done?.()
      }
    } catch (err) {
      // A fault of the parser costs one piece, not the session: it still counts as consumed.
      console.error('sallyport: terminal', err)
      if ('done' in step) step.done?.()
    }
  }
}

/** Tasks by a MessageChannel. close ends it. */
export function channelScheduler(): { schedule: (fn: () => void) => void; close: () => void } {
  const channel = new MessageChannel()
  const queue: (() => void)[] = []
  channel.port1.onmessage = () => queue.shift()?.()
  return {
    schedule(fn) {
      queue.push(fn)
      channel.port2.postMessage(0)
    },
    close() {
      queue.length = 0
      channel.port1.close()
      channel.port2.close()
    },
  }
}
