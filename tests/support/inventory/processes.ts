// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from 'node:fs'
import { membersOf } from './cgroups.ts'
import type { Found, Trace } from './trace.ts'

/**
 * Processes that belong to the traced Isola: in its control groups, or with its directory in the
 * command line or the environment.
 */
export function tracedProcesses(trace: Trace): number[] {
  const members = new Set(membersOf(trace))
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid)
    .filter((pid) => members.has(pid) || mentions(pid, trace.directory))
}

function mentions(pid: number, directory: string): boolean {
  return ['cmdline', 'environ'].some((file) => readOr(`/proc/${pid}/${file}`, '').includes(directory))
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

/**
 * Every process of an Isola of this user. Without control groups only the name is left to know a sandbox by, which
 * says nothing of where it belongs.
 */
export function ownIsolaProcesses(): Found[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => readOr(`/proc/${pid}/status`, '').includes(`\nUid:\t${process.getuid?.()}\t`))
    .map((pid) => ({ pid, name: readOr(`/proc/${pid}/comm`, '').trim() }))
    .filter(({ name }) => name.startsWith('isola-'))
    .map(({ pid, name }) => `process ${pid} ${name}`)
}
