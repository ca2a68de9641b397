import { another, Rate, sendable, type Transfer, within } from '../core/files.js'
import { Refused } from '../core/gateway.js'
import type { FilesClient } from '../net/files.js'

/** How often the gateway is asked how far transfers have come, in milliseconds. */
const POLL = 500

/** How many uploads go on at a time. The browser has few connections, and the gateway carries few. */
const AT_A_TIME = 2

/** How often an upload that breaks off goes on, and the pauses before, in milliseconds. */
const PAUSES = [500, 1000, 2000, 4000, 8000, 8000, 8000]

/** How many names are tried beside one that is taken. */
const NAMES = 100

/** One transfer as the panel shows it. */
export interface Job {
  readonly key: number
  readonly direction: 'up' | 'down'
  name: string
  size: number
  done: number
  /** waits: for its turn; asks: its name is taken; over: see code. */
  state: 'waits' | 'runs' | 'broken' | 'asks' | 'over'
  /** Of what is over: 'allowed' if all went well. */
  code: string
  sha256: string
  /** Bytes a second and seconds left, where known. */
  rate: number | undefined
  left: number | undefined
}

interface Work extends Job {
  folder: string
  file: File | undefined
  id: string
  replace: boolean
  speed: Rate
  stop: AbortController
}

/**
 * The transfers of one session. They go on while no panel shows them. Progress is what the gateway tells of both
 * directions: what the target has taken, and what was sent.
 *
 * @fires change - something that is shown has changed
 * @fires arrived - an upload has come to its folder
 */
export class FileWork extends EventTarget {
  readonly #files: FilesClient
  #work: Work[] = []
  #next = 1
  #polling: ReturnType<typeof setTimeout> | undefined

  constructor(files: FilesClient) {
    super()
    this.#files = files
  }

  /** All transfers, the newest first. */
  get jobs(): readonly Job[] {
    return this.#work
  }

  /** How many are not over. */
  get running(): number {
    return this.#work.filter((w) => w.state !== 'over').length
  }

  /** Begins to upload files into a folder. */
  upload(folder: string, files: Iterable<File>): void {
    for (const file of files) this.#add('up', folder, sendable(file.name), file)
    this.#pump()
  }

  /** Downloads files of a folder. */
  async download(folder: string, names: readonly string[]): Promise<void> {
    for (const name of names) {
      const w = this.#add('down', folder, name, undefined)
      w.state = 'runs'
      try {
        const t = await this.#files.download(within(folder, name))
        this.#learn(w, t)
        fetchAs(this.#files.bytes(t.id))
        this.#poll()
      } catch (err) {
        this.#fail(w, err)
      }
    }
  }

  /** What is to become of an upload whose name is taken. */
  answer(job: Job, how: 'skip' | 'both' | 'replace'): void {
    const w = this.#find(job)
    if (w?.state !== 'asks') return
    if (how === 'skip') return this.#end(w, 'file_cancelled')
    w.replace = how === 'replace'
    w.state = 'waits'
    if (how === 'both') void this.#rename(w)
    else this.#pump()
  }

  /** Breaks a transfer off. */
  cancel(job: Job): void {
    const w = this.#find(job)
    if (!w || w.state === 'over') return
    w.stop.abort()
    if (w.id) this.#files.cancel(w.id).catch(() => {}) // it may be over by now
    this.#end(w, 'file_cancelled')
  }

  /** Takes those that are over out of the list. */
  clear(): void {
    this.#work = this.#work.filter((w) => w.state !== 'over')
    this.#changed()
  }

  /** Ends all of it, with the session. */
  close(): void {
    clearTimeout(this.#polling)
    for (const w of this.#work) w.stop.abort()
    this.#work = []
    this.#changed()
  }

  #add(direction: 'up' | 'down', folder: string, name: string, file: File | undefined): Work {
    const w: Work = {
      key: this.#next++,
      direction,
      name,
      size: file?.size ?? 0,
      done: 0,
      state: 'waits',
      code: '',
      sha256: '',
      rate: undefined,
      left: undefined,
      folder,
      file,
      id: '',
      replace: false,
      speed: new Rate(),
      stop: new AbortController(),
    }
    this.#work = [w, ...this.#work]
    this.#changed()
    return w
  }

  #find(job: Job): Work | undefined {
    return this.#work.find((w) => w.key === job.key)
  }

  #pump(): void {
    const up = this.#work.filter((w) => w.direction === 'up')
    const free = AT_A_TIME - up.filter((w) => w.state === 'runs' || w.state === 'broken').length
    const next = up.filter((w) => w.state === 'waits').reverse()
    for (const w of next.slice(0, Math.max(0, free))) {
      w.state = 'runs'
      void this.#send(w).finally(() => this.#pump())
    }
    this.#changed()
  }

  // A name that is free, as far as can be told: the gateway has the last word.
  async #rename(w: Work): Promise<void> {
    try {
      const taken = new Set((await this.#files.list(w.folder, w.stop.signal)).files.map((f) => f.name))
      for (let n = 2; n < NAMES; n++) {
        const name = another(w.name, n)
        if (taken.has(name)) continue
        w.name = name
        break
      }
      this.#pump()
    } catch (err) {
      this.#fail(w, err)
    }
  }

  async #send(w: Work): Promise<void> {
    if (!w.file) return
    try {
      this.#learn(w, await this.#files.upload(within(w.folder, w.name), w.size, w.replace))
    } catch (err) {
      if (err instanceof Refused && err.code === 'file_exists') {
        w.state = 'asks'
        return this.#changed()
      }
      return this.#fail(w, err)
    }
    for (let attempt = 0; !w.stop.signal.aborted; attempt++) {
      this.#poll()
      const before = w.done
      try {
        const t = await this.#files.put(w.id, w.file, w.done, w.stop.signal)
        this.#learn(w, t)
        if (t.code) return
      } catch (err) {
        // What the gateway has refused stays refused, but for an offset that has moved and a place that was not free.
        const again = err instanceof Refused && ['invalid_param', 'limit_reached', 'bad_request'].includes(err.code)
        if (err instanceof Refused && !again) return this.#fail(w, err)
        if (w.done > before) attempt = 0
        const pause = PAUSES[attempt]
        if (pause === undefined) return this.#fail(w, err)
        w.state = 'broken'
        this.#changed()
        await new Promise((go) => setTimeout(go, pause))
        if (!(await this.#resume(w))) return
      }
    }
  }

  // After a break the gateway says how much the target has. It reports whether there is more to send.
  async #resume(w: Work): Promise<boolean> {
    try {
      const t = (await this.#files.transfers()).find((t) => t.id === w.id)
      if (w.state === 'over') return false
      if (!t) {
        this.#end(w, 'file_cancelled')
        return false
      }
      this.#learn(w, t)
      if (t.code) return false
    } catch (err) {
      if (err instanceof Refused) {
        this.#fail(w, err)
        return false
      }
    }
    if (w.state !== 'broken') return false
    w.state = 'runs'
    this.#changed()
    return true
  }

  #poll(): void {
    this.#polling ??= setTimeout(async () => {
      try {
        for (const t of await this.#files.transfers()) {
          const w = this.#work.find((w) => w.id === t.id)
          if (w) this.#learn(w, t)
        }
      } catch (err) {
        if (err instanceof Refused) for (const w of this.#work) if (w.id) this.#fail(w, err)
      }
      this.#polling = undefined
      if (this.#work.some((w) => w.id && w.state !== 'over')) this.#poll()
    }, POLL)
  }

  #learn(w: Work, t: Transfer): void {
    if (w.state === 'over') return
    w.id = t.id
    w.size = t.size
    w.done = t.done
    w.speed.take(performance.now(), t.done)
    w.rate = w.speed.perSecond
    w.left = w.speed.left(t.size)
    if (!t.code) return this.#changed()
    w.sha256 = t.sha256
    this.#end(w, t.code)
    if (t.code === 'allowed' && w.direction === 'up')
      this.dispatchEvent(new CustomEvent('arrived', { detail: w.folder }))
  }

  #fail(w: Work, err: unknown): void {
    this.#end(w, err instanceof Refused ? err.code : 'unreachable')
  }

  #end(w: Work, code: string): void {
    if (w.state === 'over') return
    w.state = 'over'
    w.code = code
    this.#changed()
  }

  #changed(): void {
    this.dispatchEvent(new Event('change'))
  }
}

// The browser's own download: it goes to the disk at the pace of both sides, and never through this page's memory.
function fetchAs(url: URL): void {
  const a = document.createElement('a')
  a.href = url.href
  a.download = ''
  a.rel = 'noreferrer'
  a.click()
}
