// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'

/** Memory of a process that is in RAM now, or was at its peak. */
export function residentMib(pid: number, which: 'now' | 'peak' = 'now'): number {
  const line = which === 'now' ? /^VmRSS:\s+(\d+) kB$/m : /^VmHWM:\s+(\d+) kB$/m
  const [, kib] = line.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  if (kib === undefined) throw new Error(`process ${pid} does not tell its memory`)
  return Number(kib) / 1024
}
