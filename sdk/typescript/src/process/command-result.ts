// SPDX-License-Identifier: Apache-2.0
import { SdkError } from '../sdk-error.ts'
import type { ProcessEnd } from './process.ts'

/** What a command wrote and how it ended. The same shape for success and failure. */
export class CommandResult implements ProcessEnd {
  readonly exitCode: number | null
  readonly signal: string | null
  readonly timedOut: boolean
  readonly oomKilled: boolean
  readonly outputCapped: boolean
  readonly durationMs: number
  readonly droppedBytes: number
  readonly stdoutBytes: Uint8Array
  readonly stderrBytes: Uint8Array

  constructor(end: ProcessEnd, stdoutBytes: Uint8Array, stderrBytes: Uint8Array) {
    this.exitCode = end.exitCode
    this.signal = end.signal
    this.timedOut = end.timedOut
    this.oomKilled = end.oomKilled
    this.outputCapped = end.outputCapped
    this.durationMs = end.durationMs
    this.droppedBytes = end.droppedBytes
    this.stdoutBytes = stdoutBytes
    this.stderrBytes = stderrBytes
  }

  /** As UTF-8; for anything else there is `stdoutBytes`. */
  get stdout(): string {
    return decode(this.stdoutBytes)
  }

  get stderr(): string {
    return decode(this.stderrBytes)
  }

  /** It ended by itself, with 0. */
  get ok(): boolean {
    return this.exitCode === 0 && !this.timedOut
  }

  toJSON(): ProcessEnd & { stdout: string; stderr: string } {
    const { stdout, stderr, exitCode, signal, timedOut, oomKilled, outputCapped, durationMs, droppedBytes } = this
    return { stdout, stderr, exitCode, signal, timedOut, oomKilled, outputCapped, durationMs, droppedBytes }
  }
}

/** Thrown by `run(…, { check: true })`. */
export class CommandError extends SdkError {
  readonly result: CommandResult

  constructor(command: string, result: CommandResult) {
    const lastLine = result.stderr.trimEnd().split('\n').at(-1)
    super(
      'command.failed',
      `run ${command}: ${describeEnd(result)}${lastLine ? `: ${lastLine}` : ''}`,
      'look at `error.result`',
    )
    this.name = 'CommandError'
    this.result = result
  }
}

function describeEnd(end: ProcessEnd): string {
  if (end.timedOut) return 'timed out'
  if (end.outputCapped) return 'wrote more than it may'
  if (end.oomKilled && end.signal !== null) return 'out of memory'
  return end.signal === null ? `exit code ${end.exitCode}` : `ended by ${end.signal}`
}

function decode(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
}
