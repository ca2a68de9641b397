import { test as base } from './fixtures.js'
import { Fleet } from './fleet.js'

/** The fixtures, on a fleet instead of the plain world. */
export const test = base.extend({
  world: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixtures' names from the pattern
    async ({}, use) => {
      const fleet = new Fleet()
      try {
        await fleet.start()
        await use(fleet)
      } finally {
        await fleet.stop()
      }
    },
    { scope: 'worker', timeout: 60_000 },
  ],
})
