import type { DeskLook } from './desk.js'

/** How a desktop is shown, by its launch parameters (L3). */
export function deskLook(params: Readonly<Record<string, string>>, label: string): DeskLook {
  const scale = Number.parseInt(params.scale ?? '', 10)
  return {
    fits: (params.resolution ?? 'fit') === 'fit',
    scale: scale >= 100 && scale <= 500 ? scale : 100,
    label,
  }
}
