import type { Rect } from './units.js'

/** Side of a cell, in pixels. */
const CELL = 64

/** What of a desktop has changed, in cells: however much is drawn, it takes no more memory. */
export class Damage {
  #cells = new Uint8Array(0)
  #cols = 0
  // What has changed lies between these; nothing while right is 0.
  #left = 0
  #top = 0
  #right = 0
  #bottom = 0

  /** Begins anew for a desktop of this size. */
  resize(width: number, height: number): void {
    this.#cols = Math.ceil(width / CELL)
    this.#cells = new Uint8Array(this.#cols * Math.ceil(height / CELL))
    this.#right = 0
  }

  /** Adds a rectangle, which is not empty and lies on the desktop. */
  add(x: number, y: number, w: number, h: number): void {
    const empty = this.#right === 0
    this.#left = empty ? x : Math.min(this.#left, x)
    this.#top = empty ? y : Math.min(this.#top, y)
    this.#right = Math.max(this.#right, x + w)
    this.#bottom = empty ? y + h : Math.max(this.#bottom, y + h)
    const last = Math.floor((x + w - 1) / CELL)
    for (let row = Math.floor(y / CELL); row * CELL < y + h; row++) {
      this.#cells.fill(1, row * this.#cols + Math.floor(x / CELL), row * this.#cols + last + 1)
    }
  }

  /** Takes what has changed, as rectangles that do not overlap. */
  take(): Rect[] {
    const out: Rect[] = []
    if (this.#right === 0) return out
    let above: Rect[] = [] // runs of the row before that may grow downwards
    const rows = Math.ceil(this.#bottom / CELL)
    for (let row = Math.floor(this.#top / CELL); row < rows; row++) {
      const y = Math.max(row * CELL, this.#top)
      const bottom = Math.min((row + 1) * CELL, this.#bottom)
      const runs: Rect[] = []
      for (let col = 0; col < this.#cols; col++) {
        if (!this.#cells[row * this.#cols + col]) continue
        const from = col
        while (col < this.#cols && this.#cells[row * this.#cols + col]) col++
        const x = Math.max(from * CELL, this.#left)
        const w = Math.min(col * CELL, this.#right) - x
        const grown = above.find((r) => r.x === x && r.w === w)
        if (grown) grown.h += bottom - y
        else out.push({ x, y, w, h: bottom - y })
        runs.push(grown ?? (out.at(-1) as Rect))
      }
      above = runs
    }
    this.#cells.fill(0)
    this.#right = 0
    return out
  }
}
