import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The root of the module. */
export const repo = resolve(fileURLToPath(import.meta.url), '../../../../..')

/** Where the setup puts the programs that the tests start. */
export const bin = resolve(repo, '.cache/e2e')
