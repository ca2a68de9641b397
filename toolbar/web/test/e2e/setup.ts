import { execFileSync } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { bin, repo } from './paths.js'

/** Builds what the tests start: the portal with the client in it, the verifier, and the helpers that run real servers. */
export default function setup(): void {
  const go = (...args: string[]) => execFileSync('go', args, { cwd: repo, stdio: ['ignore', 'inherit', 'inherit'] })
  if (stale()) go('generate', './toolbar')
  go(
    'build',
    '-o',
    `${bin}/`,
    './examples/portal',
    './examples/internal/webhost',
    './recorder/rec',
    './sshx/sshtest/opensshd',
    './rdp/internal/rdplab/realrdp',
  )
}

/** Whether the built client is missing, or older than its sources. */
function stale(): boolean {
  const toolbar = join(repo, 'toolbar')
  const built = statSync(join(toolbar, 'dist/manifest.json'), { throwIfNoEntry: false })?.mtimeMs ?? 0
  const folder = (name: string) =>
    readdirSync(join(toolbar, 'web', name), { recursive: true, encoding: 'utf8' }).map((f) => join(name, f))
  return ['package-lock.json', 'asconfig.json', ...folder('asm'), ...folder('src')].some(
    (f) => (statSync(join(toolbar, 'web', f)).mtimeMs ?? 0) > built,
  )
}
