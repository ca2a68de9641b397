import { test as base, worldOf } from './fixtures.js'
import { Fleet } from './fleet.js'

/** The fixtures, on a fleet instead of the plain world. */
export const test = base.extend({ world: worldOf(() => new Fleet()) })
