// SPDX-License-Identifier: Apache-2.0
import { expect } from 'vitest'

/** For each step that a program reports, the outcomes that count as failing closed. */
export type Outcomes = Readonly<Record<string, string | readonly string[]>>

/** Answers of a system call that the filter or the kernel refuses. */
export const REFUSED = ['EPERM', 'ENOSYS'] as const
export const DENIED = ['EACCES', 'EPERM'] as const
export const ABSENT = ['ENOENT', 'ENXIO', 'ENODEV'] as const
export const CLOSED = [...DENIED, ...ABSENT, 'EROFS', 'ENOTDIR', 'EINVAL', 'EIO'] as const

interface Ending {
  readonly exitCode: number | null
  readonly signal: string | null
  readonly stdout: string
  readonly stderr: string
}

/** Every expected step was reported with an accepted outcome, and no step that nobody expects. */
export function judge(ending: Ending, accepted: Outcomes): void {
  const met = reported(ending)
  const wrong = Object.entries(accepted)
    .filter(([label, outcomes]) => ![outcomes].flat().includes(met[label] ?? 'not reported'))
    .map(([label, outcomes]) => `${label}: ${met[label] ?? 'not reported'} (accepted: ${[outcomes].flat().join(', ')})`)
  const unexpected = Object.keys(met).filter((label) => !(label in accepted))
  const end = ending.signal ?? (ending.exitCode === 0 ? [] : `exit ${ending.exitCode}: ${ending.stderr.slice(-400)}`)
  expect([...wrong, ...unexpected.map((label) => `${label}: reported, but not expected`), end].flat()).toEqual([])
}

function reported(ending: Ending): Record<string, string> {
  const lines = ending.stdout.split('\n').filter((line) => line.startsWith('['))
  return Object.fromEntries(lines.map((line) => JSON.parse(line) as [string, string]))
}
