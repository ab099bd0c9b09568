// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'

interface OciSpec {
  process: { terminal: boolean; args: string[] }
  root: { path: string; readonly: boolean }
  mounts: { destination: string; type?: string; source: string; options: string[] }[]
}

/**
 * A bundle around the host's own /usr, with everything else as the runtime's own `spec` writes it.
 * Returns a function that says what it shall run next.
 */
export function makeBundle(runtime: string, bundle: string): (args: readonly string[]) => void {
  const root = path.join(bundle, 'rootfs')
  for (const folder of ['usr', 'proc', 'dev', 'sys', 'tmp', 'etc'])
    mkdirSync(path.join(root, folder), { recursive: true })
  for (const link of ['bin', 'sbin', 'lib', 'lib64']) symlinkSync(`usr/${link}`, path.join(root, link))
  execFileSync(runtime, ['spec', '--bundle', bundle], { stdio: 'pipe' })
  const file = path.join(bundle, 'config.json')
  const spec = JSON.parse(readFileSync(file, 'utf8')) as OciSpec
  spec.process.terminal = false
  spec.mounts.push({ destination: '/usr', type: 'none', source: '/usr', options: ['rbind', 'ro'] })
  return (args) => {
    spec.process.args = [...args]
    writeFileSync(file, JSON.stringify(spec))
  }
}
