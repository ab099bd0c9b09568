// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { Found, Trace } from './trace.ts'

/** Processes in the traced control groups or in any below. */
export function membersOf(trace: Trace): number[] {
  return trace.cgroups
    .flatMap((group) => [group, ...groupsBelow(group)])
    .flatMap((group) =>
      readLines(path.join(group, 'cgroup.procs'))
        .map(Number)
        .filter((pid) => pid > 0),
    )
}

/** Control groups that were made below the traced ones. */
export function cgroups(trace: Trace): Found[] {
  return trace.cgroups.flatMap(groupsBelow).map((group) => `cgroup ${group}`)
}

function groupsBelow(group: string): string[] {
  try {
    return readdirSync(group, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => path.join(group, entry.name))
      .flatMap((child) => [child, ...groupsBelow(child)])
  } catch {
    return []
  }
}

/** Groups of the v1 memory controller that were removed but linger, because pages are still charged to them. */
export function lingeringMemoryGroups(): number {
  const row = readLines('/proc/cgroups').find((line) => line.startsWith('memory\t'))
  const mount = readLines('/proc/self/mountinfo').find((line) => / - cgroup .*\bmemory\b/.test(line))
  if (row === undefined || mount === undefined) return 0
  const living = 1 + groupsBelow(mount.split(' ')[4] as string).length
  return Number(row.split('\t')[2]) - living
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
  } catch {
    return []
  }
}
