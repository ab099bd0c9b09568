// SPDX-License-Identifier: Apache-2.0
import { readFileSync, readlinkSync } from 'node:fs'
import { tracedProcesses } from './processes.ts'
import type { Found, Trace } from './trace.ts'

/** Network namespaces other than the host's that a traced process lives in or a mount keeps alive. */
export function networkNamespaces(trace: Trace): Found[] {
  const own = namespaceOf('self')
  const lived = tracedProcesses(trace).map(namespaceOf)
  const kept = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.includes(trace.directory))
    .map((line) => / (net:\[\d+\]) /.exec(line)?.[1])
  const found = new Set([...lived, ...kept].filter((inode) => inode !== undefined && inode !== own))
  return [...found].map((inode) => `network namespace ${inode}`)
}

function namespaceOf(process: number | 'self'): string | undefined {
  try {
    return readlinkSync(`/proc/${process}/ns/net`)
  } catch {
    return undefined
  }
}
