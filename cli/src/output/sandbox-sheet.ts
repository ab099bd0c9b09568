// SPDX-License-Identifier: Apache-2.0
import type { SandboxInfo } from '@isola/sdk'
import { describeNetwork } from './network-sheet.ts'
import { printable } from './printable.ts'

/** A sandbox for people: one line a fact, what was never set left out. */
export function describeSandbox(sandbox: SandboxInfo): string {
  const { resources, run } = sandbox
  const facts: [string, string | undefined][] = [
    ['id', sandbox.id],
    ['name', sandbox.name ?? undefined],
    [
      'state',
      sandbox.state === sandbox.desiredState ? sandbox.state : `${sandbox.state} (wanted: ${sandbox.desiredState})`,
    ],
    ['isolation', sandbox.isolation],
    ['template', sandbox.template],
    ['network', describeNetwork(sandbox.network)],
    ['cpus', text(resources.cpus)],
    ['memory', size(resources.memoryMib)],
    ['disk', size(resources.diskMib)],
    ['pids', text(resources.pids)],
    ['open files', text(resources.openFiles)],
    ['workdir', sandbox.workdir],
    ['users', run?.users],
    [
      'labels',
      Object.entries(sandbox.labels)
        .map(([key, value]) => `${key}=${value}`)
        .join(', ') || undefined,
    ],
    ['created', sandbox.createdAt],
    ['run', run === null ? undefined : `${run.id}, since ${run.startedAt}, agent generation ${run.agentGeneration}`],
    ...sandbox.transitions.map(({ at, to, reason }): [string, string] => ['', `${at}  ${to}: ${reason}`]),
  ]
  const lines = facts.flatMap(([label, value]) =>
    value === undefined ? [] : [`${label.padEnd(12)}${printable(value)}`],
  )
  return `${lines.join('\n')}\n`
}

function text(value: number | undefined): string | undefined {
  return value === undefined ? undefined : String(value)
}

function size(mib: number | undefined): string | undefined {
  return mib === undefined ? undefined : `${mib} MiB`
}
