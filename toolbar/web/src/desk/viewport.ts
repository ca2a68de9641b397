import type { Place } from './events.js'

/** How a desktop is shown: in the window's size at most, or a pixel for a pixel of the screen, or by percent of that. */
export type Zoom = 'fit' | number

/** The percents between which a user chooses. */
export const ZOOMS = [50, 75, 100, 125, 150, 175, 200] as const

/** The zoom that a launch parameter says; what is none is to fit. */
export function zoomOf(param: string | undefined): Zoom {
  return ZOOMS.find((z) => String(z) === param) ?? 'fit'
}

/** The next zoom below or above a percent, at the ends the last one. */
export function stepped(percent: number, up: boolean): Zoom {
  const all: number[] = up ? [...ZOOMS] : [...ZOOMS].reverse()
  return all.find((z) => (up ? z > percent + 0.5 : z < percent - 0.5)) ?? all[all.length - 1] ?? 100
}

/** Where a desktop is shown in its box, in CSS pixels. */
export interface Shown {
  left: number
  top: number
  width: number
  height: number
}

/** Sizes in CSS pixels; ratio: pixels of the screen in one of them. */
export interface Box {
  width: number
  height: number
  ratio: number
}

/**
 * Where a desktop of that size is shown. What is smaller than its box stands in the middle, what is larger begins at the edge. scale: percent by
 * which the session draws things larger; at ratio 2 and scale 200 a pixel of the desktop is one of the screen.
 */
export function place(desktop: { width: number; height: number }, box: Box, scale: number, zoom: Zoom): Shown {
  const natural = 100 / scale
  const fit = Math.min(natural, box.width / desktop.width, box.height / desktop.height)
  const factor = zoom === 'fit' ? fit : zoom / 100 / box.ratio
  const width = desktop.width * factor
  const height = desktop.height * factor
  const snap = (v: number): number => Math.round(v * box.ratio) / box.ratio
  return {
    width,
    height,
    left: Math.max(0, snap((box.width - width) / 2)),
    top: Math.max(0, snap((box.height - height) / 2)),
  }
}

/** The pixel of the desktop at a place of its box. Beyond the desktop it is that of the edge. */
export function locate(at: Place, shown: Shown, desktop: { width: number; height: number }): Place {
  const within = (v: number, size: number, pixels: number): number =>
    Math.max(0, Math.min(pixels - 1, Math.floor((v / size) * pixels)))
  return {
    x: within(at.x - shown.left, shown.width, desktop.width),
    y: within(at.y - shown.top, shown.height, desktop.height),
  }
}

/** Whether pixels of the desktop fall on whole pixels of the screen: then they are not to be smoothed. */
export function crisp(desktop: { width: number }, shown: Shown, ratio: number): boolean {
  const times = (shown.width * ratio) / desktop.width
  return times >= 1 && Math.abs(times - Math.round(times)) < 1e-6
}

/** The desktop that fills a box: an even width, at least 200 a side. */
export function wanted(box: Box, scale: number): { width: number; height: number } {
  const pixels = (v: number): number => Math.max(200, Math.min(8192, Math.round((v * scale) / 100)))
  return { width: pixels(box.width) & ~1, height: pixels(box.height) }
}
