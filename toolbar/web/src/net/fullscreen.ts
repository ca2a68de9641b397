// The whole screen for one element, and the keys that the browser and the system keep otherwise (L7).

/** The Keyboard Lock API, which TypeScript's DOM does not know. */
interface Locking {
  keyboard?: { lock?(): Promise<void>; unlock?(): void }
}

/** Whether this page may fill the screen. */
export function canFill(): boolean {
  return document.fullscreenEnabled === true
}

/** Whether an element fills the screen. Its own root is asked: from the document a shadow tree looks like its host. */
export function fills(element: Element): boolean {
  const root = element.getRootNode()
  return (root instanceof ShadowRoot ? root : document).fullscreenElement === element
}

/**
 * Fills the screen with an element, or gives the screen back. It throws what the browser does if it refuses. Keys come as far as the
 * browser has a way: Keyboard Lock where it exists, which frames do not get, else what requestFullscreen is asked for.
 */
export async function toggleFill(element: Element): Promise<void> {
  if (fills(element)) return document.exitFullscreen() // ends a lock too
  const options: FullscreenOptions & { keyboardLock?: string } = { navigationUI: 'hide', keyboardLock: 'browser' }
  await element.requestFullscreen(options)
  try {
    await (navigator as Locking).keyboard?.lock?.()
  } catch {
    // Without them it is a full screen all the same.
  }
}

/** Gives the keys back, when the screen was left in any way. */
export function unlockKeys(): void {
  ;(navigator as Locking).keyboard?.unlock?.()
}
