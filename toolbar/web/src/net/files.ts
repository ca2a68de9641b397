import { type Folder, parseFolder, readTransfer, type Transfer } from '../core/files.js'
import { parseObject } from '../core/types.js'
import { call, get, post, sessionURL } from './http.js'

/** The most bytes of a folder's answer: 10,000 names of 4 KiB. */
const MAX_FOLDER = 64 << 20

/** The files of one session over HTTP. Names of files go in bodies alone (S50). */
export class FilesClient {
  readonly #base: URL
  readonly #id: string

  constructor(base: URL, id: string) {
    this.#base = base
    this.#id = id
  }

  /** A folder; an empty path is where to begin. */
  async list(path: string, signal: AbortSignal): Promise<Folder> {
    const folder = parseFolder(await post(this.#url('/files/list'), { path }, { signal, most: MAX_FOLDER }))
    if (!folder) throw new Error('not a folder')
    return folder
  }

  async mkdir(path: string): Promise<void> {
    await post(this.#url('/files/mkdir'), { path })
  }

  async rename(from: string, to: string): Promise<void> {
    await post(this.#url('/files/rename'), { from, to })
  }

  async remove(path: string): Promise<void> {
    await post(this.#url('/files/remove'), { path })
  }

  async download(path: string): Promise<Transfer> {
    return transfer(await post(this.#url('/files/download'), { path }))
  }

  async upload(path: string, size: number, replace: boolean): Promise<Transfer> {
    return transfer(await post(this.#url('/files/upload'), { path, size, replace }))
  }

  /** Sends the bytes of an upload from offset on; the answer is how far it is. */
  async put(id: string, file: Blob, offset: number, signal: AbortSignal): Promise<Transfer> {
    const url = this.bytes(id)
    url.searchParams.set('offset', String(offset))
    const headers = { 'Content-Type': 'application/octet-stream' }
    return transfer(await call(url, { method: 'PUT', headers, body: file.slice(offset), signal }))
  }

  /** How far all transfers have come. */
  async transfers(): Promise<Transfer[]> {
    const list = parseObject(await get(this.#url('/transfers')))?.transfers
    if (!Array.isArray(list)) throw new Error('not transfers')
    return list.map(readTransfer).filter((t) => t !== undefined)
  }

  async cancel(id: string): Promise<void> {
    await call(this.bytes(id), { method: 'DELETE', headers: { 'Content-Type': 'application/json' }, body: '{}' })
  }

  /** The address of a transfer's bytes. */
  bytes(id: string): URL {
    return this.#url(`/transfer/${encodeURIComponent(id)}`)
  }

  #url(rest: string): URL {
    return sessionURL(this.#base, this.#id, rest)
  }
}

function transfer(answer: string): Transfer {
  const t = readTransfer(parseObject(answer))
  if (!t) throw new Error('not a transfer')
  return t
}
