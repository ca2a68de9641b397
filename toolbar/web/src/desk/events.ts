// Events of a desktop's keyboard and mouse as bytes (pam/PROTOCOL.md, Payloads of a desktop).

const KEY = 1
const UNICODE = 2
const LOCKS = 3
const RELEASE = 4

function event4(kind: number, flags: number, value: number): Uint8Array {
  return Uint8Array.of(kind, flags, value >> 8, value & 0xff)
}

/** A key goes down or up. */
export function keyEvent(scancode: number, down: boolean): Uint8Array {
  return event4(KEY, down ? 1 : 0, scancode)
}

/** A text is typed, whatever keyboard there is. */
export function textEvents(text: string): Uint8Array {
  const events: Uint8Array[] = []
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    events.push(event4(UNICODE, 1, unit), event4(UNICODE, 0, unit))
  }
  return joined(events)
}

/** The state of the lock keys. */
export interface Locks {
  scroll: boolean
  num: boolean
  caps: boolean
}

/** Tells the state of the lock keys; the target lifts all keys. */
export function locksEvent(locks: Locks): Uint8Array {
  return event4(LOCKS, (locks.scroll ? 1 : 0) | (locks.num ? 2 : 0) | (locks.caps ? 4 : 0), 0)
}

/** Lifts all that is down. */
export function releaseEvent(): Uint8Array {
  return event4(RELEASE, 0, 0)
}

/** A place on the desktop, in its pixels. */
export interface Place {
  x: number
  y: number
}

function event8(kind: number, flags: number, at: Place, delta: number): Uint8Array {
  const bytes = new Uint8Array(8)
  const view = new DataView(bytes.buffer)
  view.setUint8(0, kind)
  view.setUint8(1, flags)
  view.setUint16(2, at.x)
  view.setUint16(4, at.y)
  view.setInt16(6, delta)
  return bytes
}

export const moveEvent = (at: Place): Uint8Array => event8(1, 0, at, 0)

/** button: 1 left, 2 right, 3 middle, 4 back, 5 forward. */
export const buttonEvent = (button: number, down: boolean, at: Place): Uint8Array =>
  event8(2, button | (down ? 0x80 : 0), at, 0)

/** delta: 120 a notch; up and right are positive. */
export const wheelEvent = (sideways: boolean, delta: number, at: Place): Uint8Array =>
  event8(sideways ? 4 : 3, 0, at, delta)

/** Events one after the other. */
export function joined(events: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(events.reduce((n, e) => n + e.length, 0))
  let at = 0
  for (const e of events) {
    all.set(e, at)
    at += e.length
  }
  return all
}
