// SPDX-License-Identifier: Apache-2.0
import { readlinkSync } from 'node:fs'
import type { Sandbox } from '@isola/sdk'

const NAMESPACES = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'user', 'uts']
const MARKER = '/tmp/isola-bench-was-here'
// Fails when an earlier run left its marker: then this is no new sandbox.
const LOOK = `set -e; test ! -e ${MARKER}; touch ${MARKER}; cd /proc/self/ns; readlink ${NAMESPACES.join(' ')}`

/** A sandbox that shares a namespace with the host, or was used before, makes its number worthless. @throws */
export async function checkFresh(sandbox: Sandbox): Promise<void> {
  const { exitCode, stdout, stderr } = await sandbox.run(LOOK)
  if (exitCode !== 0) throw new Error(`the sandbox is not fresh: ${stderr || `status ${exitCode}`}`)
  const inside = stdout.trim().split('\n')
  const shared = NAMESPACES.filter((name, index) => inside[index] === readlinkSync(`/proc/self/ns/${name}`))
  if (shared.length > 0 || inside.length !== NAMESPACES.length)
    throw new Error(`shared with the host: ${shared.join(', ')}`)
}
