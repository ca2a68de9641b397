// Files of a session: the gateway's answers, read with care, and what can be worked out from them.
import { parseObject } from './types.js'

/** A file of the target, as the target claims. */
export interface TargetFile {
  /** In the form in which names are shown and sent: what is not text, or could act on the text around it, is escaped. */
  name: string
  kind: 'file' | 'folder' | 'link' | 'other'
  size: number
  mode: string
  /** When it was changed; undefined: unknown. */
  modified: Date | undefined
}

/** The content of a folder. */
export interface Folder {
  path: string
  files: TargetFile[]
  /** There are more than are listed. */
  truncated: boolean
  /** How many were left out for their names. */
  refused: number
}

/** A file on its way, as the gateway tells. */
export interface Transfer {
  id: string
  direction: 'up' | 'down'
  path: string
  name: string
  size: number
  done: number
  /** Empty while it is not over; 'allowed' if all went well. */
  code: string
  sha256: string
}

const text = (v: unknown): string => (typeof v === 'string' ? v : '')
const count = (v: unknown): number => (typeof v === 'number' && Number.isSafeInteger(v) && v >= 0 ? v : 0)

const kinds: readonly string[] = ['file', 'folder', 'link']

/** Reads a folder; undefined if it is none. */
export function parseFolder(answer: string): Folder | undefined {
  const o = parseObject(answer)
  if (!o || !Array.isArray(o.files) || text(o.path) === '') return undefined
  const files: TargetFile[] = []
  for (const f of o.files as Record<string, unknown>[]) {
    if (typeof f !== 'object' || f === null || text(f.name) === '') continue
    const at = new Date(text(f.modified))
    files.push({
      name: text(f.name),
      kind: kinds.includes(text(f.kind)) ? (f.kind as TargetFile['kind']) : 'other',
      size: count(f.size),
      mode: text(f.mode),
      modified: Number.isNaN(at.getTime()) ? undefined : at,
    })
  }
  return { path: text(o.path), files, truncated: o.truncated === true, refused: count(o.refused) }
}

/** Reads a transfer; undefined if it is none. */
export function readTransfer(v: unknown): Transfer | undefined {
  if (typeof v !== 'object' || v === null) return undefined
  const o = v as Record<string, unknown>
  if (text(o.id) === '') return undefined
  return {
    id: text(o.id),
    direction: o.direction === 'up' ? 'up' : 'down',
    path: text(o.path),
    name: text(o.name),
    size: count(o.size),
    done: count(o.done),
    code: text(o.code),
    sha256: text(o.sha256),
  }
}

/** The files that are shown: folders first, then by name as people sort. */
export function arrange(files: readonly TargetFile[], hidden: boolean, language: string): TargetFile[] {
  const order = new Intl.Collator(language, { numeric: true })
  const rank = (f: TargetFile): number => (f.kind === 'folder' ? 0 : 1)
  return files
    .filter((f) => hidden || !f.name.startsWith('.'))
    .sort((a, b) => rank(a) - rank(b) || order.compare(a.name, b.name))
}

/** The path of a name in a folder. */
export const within = (folder: string, name: string): string => (folder === '/' ? `/${name}` : `${folder}/${name}`)

/** The folders on the way to a path, the root first, each with its name and its path. */
export function way(path: string): { name: string; path: string }[] {
  const steps = [{ name: '/', path: '/' }]
  let at = ''
  for (const name of path.split('/').filter((s) => s !== '')) {
    at += `/${name}`
    steps.push({ name, path: at })
  }
  return steps
}

/** A local name in the form in which the gateway takes names. */
export const sendable = (name: string): string => name.replaceAll('\\', '\\\\')

/** A name beside one that is taken: "report (2).pdf". */
export function another(name: string, n: number): string {
  const dot = name.lastIndexOf('.')
  return dot > 0 ? `${name.slice(0, dot)} (${n})${name.slice(dot)}` : `${name} (${n})`
}

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']

/** A size with three digits: "1.10 GiB". */
export function showSize(bytes: number, language: string): string {
  let n = bytes
  let unit = 0
  while (n >= 1023.5 && unit < units.length - 1) {
    n /= 1024
    unit++
  }
  const digits = unit === 0 || n >= 99.95 ? 0 : n >= 9.995 ? 1 : 2
  const number = new Intl.NumberFormat(language, { minimumFractionDigits: digits, maximumFractionDigits: digits })
  return `${number.format(n)} ${units[unit]}`
}

/** A span of seconds: "9 s", "2:16", "1:02:16". */
export function showSpan(seconds: number, language: string): string {
  const s = Math.ceil(seconds)
  if (s < 60) {
    return new Intl.NumberFormat(language, { style: 'unit', unit: 'second', unitDisplay: 'short' }).format(s)
  }
  const two = (n: number): string => String(n).padStart(2, '0')
  const [h, m] = [Math.floor(s / 3600), Math.floor(s / 60) % 60]
  return h > 0 ? `${h}:${two(m)}:${two(s % 60)}` : `${m}:${two(s % 60)}`
}

/** How much of the newest measurement counts. */
const FRESH = 0.3

/** How fast a transfer goes, from what it had at some times. */
export class Rate {
  #at: number | undefined
  #done = 0
  #rate: number | undefined

  /** Takes how much is done at a time in milliseconds. */
  take(now: number, done: number): void {
    if (this.#at !== undefined && now > this.#at && done >= this.#done) {
      const rate = ((done - this.#done) * 1000) / (now - this.#at)
      this.#rate = this.#rate === undefined ? rate : FRESH * rate + (1 - FRESH) * this.#rate
    }
    this.#at = now
    this.#done = done
  }

  /** Bytes a second; undefined: not known. */
  get perSecond(): number | undefined {
    return this.#rate
  }

  /** Seconds until all is done; undefined: not known. */
  left(size: number): number | undefined {
    return this.#rate && this.#rate >= 1 ? (size - this.#done) / this.#rate : undefined
  }
}
