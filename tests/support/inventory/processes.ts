// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from 'node:fs'
import { membersOf } from './cgroups.ts'
import type { Found, Trace } from './trace.ts'

/**
 * Processes that belong to the traced Isola: in its control groups, or with its directory in the
 * command line, the environment, the open mounts of their namespace or the working directory.
 */
export function tracedProcesses(trace: Trace): number[] {
  const members = new Set(membersOf(trace))
  const hostMounts = readOr('/proc/self/mountinfo', '')
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid)
    .filter((pid) => members.has(pid) || mentions(pid, trace.directory, hostMounts) || (trace.cgroups.length === 0 && isOwnIsola(pid)))
}

/** Without control groups only the name is left to know a sandbox by, which says nothing of where it belongs. */
function isOwnIsola(pid: number): boolean {
  const isOwn = readOr(`/proc/${pid}/status`, '').includes(`\nUid:\t${process.getuid?.()}\t`)
  return isOwn && readOr(`/proc/${pid}/comm`, '').startsWith('isola-')
}

function mentions(pid: number, directory: string, hostMounts: string): boolean {
  if (readOr(`/proc/${pid}/cmdline`, '').includes(directory)) return true
  if (readOr(`/proc/${pid}/environ`, '').includes(directory)) return true
  const mounts = readOr(`/proc/${pid}/mountinfo`, '')
  // Whoever lives in the host's own mount namespace sees the same mounts as everybody there.
  return mounts !== hostMounts && mounts.includes(directory)
}

export function processes(trace: Trace): Found[] {
  return tracedProcesses(trace).map((pid) => {
    const command =
      readOr(`/proc/${pid}/cmdline`, '').replaceAll('\0', ' ').trim() || readOr(`/proc/${pid}/comm`, 'gone').trim()
    return `process ${pid} ${command.slice(0, 160)}`
  })
}

function readOr(file: string, otherwise: string): string {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    return otherwise
  }
}
