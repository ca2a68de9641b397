import { execFileSync } from 'node:child_process'
import { bin, repo } from './paths.js'

/** Builds what the tests start: the portal with the client in it, the verifier, and the helper that runs sshd. */
export default function setup(): void {
  const go = (...args: string[]) => execFileSync('go', args, { cwd: repo, stdio: ['ignore', 'inherit', 'inherit'] })
  go('build', '-o', `${bin}/`, './examples/portal', './recorder/rec', './sshx/sshtest/opensshd')
}
