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

/** Groups of a v1 controller that the kernel still keeps, removed ones whose pages linger included. */
export function keptGroups(controller: string): number {
  const line = readLines('/proc/cgroups').find((row) => row.split('\t')[0] === controller)
  return Number(line?.split('\t')[2] ?? 0)
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
