import { worker } from 'built:screen'

/** The trusted types policy for the Worker's address: a page's content policy names it. */
const POLICY = 'sallyport'

interface ScriptURLPolicy {
  createScriptURL(input: string): unknown
}
interface Factory {
  createPolicy(name: string, rules: { createScriptURL(input: string): string }): ScriptURLPolicy
}

let policy: ScriptURLPolicy | undefined

/** Starts the Worker. Throws where the page's policy or the browser does not allow it. */
export function startWorker(): Worker {
  const address = new URL(worker, import.meta.url).href
  const factory = (globalThis as { trustedTypes?: Factory }).trustedTypes
  policy ??= factory?.createPolicy(POLICY, {
    createScriptURL(input) {
      if (input !== address) throw new TypeError('no script of the client')
      return input
    },
  })
  const trusted = policy ? policy.createScriptURL(address) : address
  return new Worker(trusted as string, { type: 'module', name: 'sallyport-screen' })
}
