// SPDX-License-Identifier: Apache-2.0
import { constants } from 'node:os'
import { IsolaError, type ProcessEnd } from '@isola/sdk'
import { formatDuration } from '../args/duration.ts'
import { Interrupted } from './interrupts.ts'

export const EXIT = {
  failed: 1,
  usage: 2,
  timedOut: 124,
  isolaFailed: 125,
  notExecutable: 126,
  notFound: 127,
  signalBase: 128,
} as const

export interface ExitVerdict {
  readonly code: number
  /** What the exit code alone does not tell. */
  readonly note?: { readonly message: string; readonly hint: string }
}

/** How a command ended, as a shell would tell it. */
export function exitVerdict(
  end: ProcessEnd,
  limits: { timeoutMs?: number | undefined; memoryMib?: number | undefined },
): ExitVerdict {
  if (end.timedOut) {
    const after = limits.timeoutMs === undefined ? '' : ` after ${formatDuration(limits.timeoutMs)}`
    return { code: EXIT.timedOut, note: { message: `timed out${after}`, hint: 'give it more with --timeout' } }
  }
  const code = end.exitCode ?? EXIT.signalBase + signalNumber(end.signal)
  if (end.outputCapped)
    return {
      code,
      note: { message: 'ended: it wrote more than it may', hint: 'write to a file, or run without --json' },
    }
  if (end.oomKilled && code !== 0) {
    const limit = limits.memoryMib === undefined ? 'its memory limit' : `its limit of ${limits.memoryMib} MiB`
    const what = end.signal === null ? 'out of memory: a process inside was killed at' : 'out of memory: killed at'
    return { code, note: { message: `${what} ${limit}`, hint: 'give it more with --memory' } }
  }
  return { code }
}

/** Exit code for an error instead of an end. `runs`: the command is one that runs something. */
export function errorExitCode(error: unknown, runs: boolean): number {
  if (error instanceof Interrupted) return EXIT.signalBase + signalNumber(error.signal)
  if (!runs) return EXIT.failed
  if (IsolaError.is(error) && error.code === 'process.program_not_found') return EXIT.notFound
  if (IsolaError.is(error) && error.code === 'process.not_executable') return EXIT.notExecutable
  return EXIT.isolaFailed
}

function signalNumber(signal: string | null): number {
  return constants.signals[signal as NodeJS.Signals] ?? 0
}
