import type { Clock } from '../core/clock.js'
import type { Text } from '../core/gateway.js'

/** The window's time. */
export const windowClock: Clock = {
  now: () => Date.now(),
  ticks: () => performance.now(),
  after(ms, fn) {
    const id = setTimeout(fn, ms)
    return () => clearTimeout(id)
  },
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** UTF-8 as the platform does it; broken input becomes replacement characters. */
export const utf8: Text = {
  encode: (s) => encoder.encode(s),
  decode: (b) => decoder.decode(b),
}
