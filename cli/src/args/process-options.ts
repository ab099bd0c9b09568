// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander'
import { unusable } from './argument-error.ts'
import { parseDuration } from './duration.ts'

export interface ProcessFlags {
  readonly timeout?: number
  readonly workdir?: string
  readonly user?: string
  /** True unless `--no-tty`. */
  readonly tty: boolean
  /** True unless `--no-stdin`. */
  readonly stdin: boolean
  readonly json?: boolean
}

/** How a command is run; the same for `run` and `exec`. */
export function addProcessOptions(command: Command): void {
  command
    .option('--timeout <time>', 'end it after this time, e.g. 60s', (text) => parseDuration('--timeout', text))
    .option('--workdir <path>', 'directory that it starts in', parseWorkdir)
    .option('--user <name>', 'user inside: user (default), root, or uid:gid')
    .option('--no-tty', 'no terminal, even when this is one')
    .option('--no-stdin', 'give it no input')
    .option('--json', 'one JSON object with the output and how it ended, at the end')
}

/** @throws {ArgumentError} */
export function parseWorkdir(text: string): string {
  if (text.startsWith('/') && text.length <= 4096) return text
  throw unusable('--workdir', text, 'an absolute path inside the sandbox')
}
