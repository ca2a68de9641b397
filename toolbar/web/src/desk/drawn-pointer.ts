import type { Cursor } from './cursor.js'
import type { Place } from './events.js'
import type { Shown } from './viewport.js'

/** The system's pointer: its outline, with the hot spot in the corner. */
const ARROW = 'M0.5 0.5V15.5L4 12L6.5 17.5L9 16.4L6.6 11H11.5Z'
const ARROW_SIZE = { width: 12, height: 18 }

/** The pointer of a desktop, drawn where somebody else has moved it. Without a place it is not to be seen. */
export class DrawnPointer {
  readonly #canvas = document.createElement('canvas')
  #cursor: Cursor = { kind: 'system' }
  #at: Place | undefined
  #shown: Shown = { left: 0, top: 0, width: 0, height: 0 }
  #desktop = { width: 0, height: 0 }

  constructor(parent: HTMLElement) {
    this.#canvas.className = 'pointer'
    this.#canvas.setAttribute('aria-hidden', 'true')
    this.#canvas.hidden = true
    parent.append(this.#canvas)
    this.shape(this.#cursor)
  }

  /** How it looks from now on. */
  shape(cursor: Cursor): void {
    this.#cursor = cursor
    if (cursor.kind === 'shape') {
      Object.assign(this.#canvas, { width: cursor.width, height: cursor.height })
      const pixels = new ImageData(new Uint8ClampedArray(cursor.pixels), cursor.width, cursor.height)
      this.#canvas.getContext('2d')?.putImageData(pixels, 0, 0)
    } else if (cursor.kind === 'system') this.#arrow()
    this.#arrange()
  }

  place(at: Place | undefined): void {
    this.#at = at
    this.#arrange()
  }

  /** The desktop is shown there. */
  on(desktop: { width: number; height: number }, shown: Shown): void {
    this.#desktop = desktop
    this.#shown = shown
    this.#arrange()
  }

  #arrow(): void {
    const ratio = 2 // sharp on screens of more pixels
    Object.assign(this.#canvas, { width: ratio * ARROW_SIZE.width, height: ratio * ARROW_SIZE.height })
    const to = this.#canvas.getContext('2d')
    if (!to) return
    to.scale(ratio, ratio)
    const path = new Path2D(ARROW)
    Object.assign(to, { fillStyle: '#000', strokeStyle: '#fff', lineWidth: 1, lineJoin: 'round' })
    to.fill(path)
    to.stroke(path)
  }

  #arrange(): void {
    const at = this.#at
    const cursor = this.#cursor
    const { width, height } = this.#desktop
    this.#canvas.hidden = !at || width === 0 || cursor.kind === 'hidden'
    if (!at || width === 0) return
    const times = { x: this.#shown.width / width, y: this.#shown.height / height }
    const shape = cursor.kind === 'shape'
    const hot = shape ? { x: cursor.hotX * times.x, y: cursor.hotY * times.y } : { x: 0, y: 0 }
    // The system's pointer stays as large as those of the viewer's own system, so that it is found on a small picture too.
    const size = shape ? { width: cursor.width * times.x, height: cursor.height * times.y } : ARROW_SIZE
    Object.assign(this.#canvas.style, {
      left: `${this.#shown.left + Math.min(at.x, width) * times.x - hot.x}px`,
      top: `${this.#shown.top + Math.min(at.y, height) * times.y - hot.y}px`,
      width: `${size.width}px`,
      height: `${size.height}px`,
    })
  }
}
