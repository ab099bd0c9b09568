// SPDX-License-Identifier: Apache-2.0
import type { CreateOptions, NetworkPolicy } from '@isola/sdk'
import type { Command } from 'commander'
import { unusable } from './argument-error.ts'
import { collectKeyValue, ENV_NAME, type KeyValues, LABEL_NAME } from './key-value.ts'
import { parseNet } from './network-option.ts'
import { parseCount, parseCpus } from './number.ts'
import { parseSizeMib } from './size.ts'

export interface SandboxFlags {
  readonly template?: string
  readonly driver?: string
  readonly name?: string
  readonly label?: KeyValues
  readonly env?: KeyValues
  readonly cpus?: number
  readonly memory?: number
  readonly disk?: number
  readonly pids?: number
  readonly openFiles?: number
  readonly net?: NetworkPolicy | 'none'
}

const TIB_IN_MIB = 1024 * 1024

/** What a sandbox is made of; the same for `run` and `create`. */
export function addSandboxOptions(command: Command): void {
  command
    .option('--template <name>', 'what is inside (default: host, the programs of this machine)')
    .option('--driver <name>', 'how it is isolated (default: the best there is)')
    .option('--name <name>', 'a name of your own for it', parseName)
    .option('--label <key=value>', 'a mark to find it by; may be repeated', (text, all?: KeyValues) =>
      collectKeyValue('--label', LABEL_NAME, text, all),
    )
    .option('-e, --env <key=value>', 'an environment variable; may be repeated', (text, all?: KeyValues) =>
      collectKeyValue('--env', ENV_NAME, text, all),
    )
    .option('--cpus <number>', 'cores, e.g. 2 or 0.5', (text) => parseCpus('--cpus', text))
    .option('--memory <size>', 'memory, e.g. 512m', (text) =>
      parseSizeMib('--memory', text, { minMib: 8, maxMib: 16 * TIB_IN_MIB }),
    )
    .option('--disk <size>', 'all that it writes, e.g. 2g', (text) =>
      parseSizeMib('--disk', text, { minMib: 1, maxMib: 64 * TIB_IN_MIB }),
    )
    .option('--pids <number>', 'processes and threads', (text) =>
      parseCount('--pids', text, { min: 4, max: 4_000_000 }),
    )
    .option('--open-files <number>', 'open files of each process', (text) =>
      parseCount('--open-files', text, { min: 16, max: 1_048_576 }),
    )
    .option('--net <policy>', 'what it may reach: none (default), a preset, or rules; see `isola net --help`', parseNet)
}

export function createOptions(flags: SandboxFlags): CreateOptions {
  return {
    template: flags.template,
    driver: flags.driver,
    name: flags.name,
    labels: flags.label,
    env: flags.env,
    cpus: flags.cpus,
    memoryMib: flags.memory,
    diskMib: flags.disk,
    pids: flags.pids,
    openFiles: flags.openFiles,
    network: flags.net,
  }
}

function parseName(text: string): string {
  if (/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(text)) return text
  throw unusable('--name', text, 'lower-case letters, digits and inner dashes, at most 63')
}
