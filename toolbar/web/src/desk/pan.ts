/** How near an edge the pointer pushes what lies beyond it into view, and by how much at most in one step, in CSS pixels. */
const EDGE = 32
const STEP = 24

/** What can be seen of a desktop that is larger than its box. */
export interface View {
  /** The inside of the box, without scroll bars. */
  width: number
  height: number
  /** How far it is scrolled, and the most it can be. */
  left: number
  top: number
  mostLeft: number
  mostTop: number
}

/** Where a pointer at a place of the box pushes the view: nowhere in the middle, the faster the nearer the edge. */
export function push(at: { x: number; y: number }, view: View): { x: number; y: number } {
  const along = (v: number, size: number, now: number, most: number): number => {
    const edge = Math.min(EDGE, size / 4)
    if (v < 0 || v > size) return 0 // on a scroll bar
    const by = v < edge ? (v - edge) / edge : v > size - edge ? (v - size + edge) / edge : 0
    if ((by < 0 ? now : most - now) < 1) return 0 // browsers round
    return Math.max(-now, Math.min(most - now, by * STEP))
  }
  return {
    x: along(at.x, view.width, view.left, view.mostLeft),
    y: along(at.y, view.height, view.top, view.mostTop),
  }
}
