// SPDX-License-Identifier: Apache-2.0
import { CommanderError } from 'commander'
import { IsolaError, SdkError } from '@isola/sdk'
import { ArgumentError } from '../args/argument-error.ts'
import { CopyError } from '../copy/copy-error.ts'
import { printable } from './printable.ts'

export interface ErrorReport {
  readonly code: string
  readonly message: string
  readonly hint: string
  readonly context: Record<string, unknown>
  readonly retryable: boolean
}

/** Any error as one message and one hint. A fault of this program is reported as such, without its stack. */
export function reportOf(error: unknown, commandName: string): ErrorReport {
  const plain = { context: {}, retryable: false }
  if (IsolaError.is(error)) return error.toBody().error
  if (SdkError.is(error)) return { ...plain, code: error.code, message: error.message, hint: error.hint }
  if (error instanceof ArgumentError)
    return { ...plain, code: 'argument.invalid', message: error.message, hint: error.hint }
  if (error instanceof CopyError) return { ...plain, code: 'copy.failed', message: error.message, hint: error.hint }
  if (error instanceof CommanderError) {
    const [message = '', ...more] = error.message.replace(/^error: /, '').split('\n')
    const suggestion = more.join(' ').replace(/^\((.*)\)$/, '$1')
    return {
      ...plain,
      code: 'argument.invalid',
      message,
      hint: suggestion || `see \`isola${commandName && ` ${commandName}`} --help\``,
    }
  }
  if (isSystemError(error)) {
    const full = error.code === 'ENOSPC' || error.code === 'EDQUOT'
    const hint = full ? 'free space there, or write elsewhere' : 'check the path and its permissions'
    return { ...plain, code: 'file.io', message: describeSystemError(error), hint }
  }
  const message = error instanceof Error ? error.message : String(error)
  return {
    ...plain,
    code: 'cli.internal',
    message: `${message} (a fault in isola)`,
    hint: 'please report it with the command; ISOLA_DEBUG=1 shows where',
  }
}

/** Two lines; a message never brings more of its own. */
export function formatReport({ message, hint }: ErrorReport): string {
  return `isola: ${oneLine(message)}\n${hint ? `hint: ${oneLine(hint)}\n` : ''}`
}

function oneLine(text: string): string {
  return printable(text.replaceAll(/\s*[\r\n]+\s*/g, ' '))
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error && 'code' in error
}

function describeSystemError(error: NodeJS.ErrnoException): string {
  const reason = /^[A-Z]+: (.*?)(?:, .*)?$/.exec(error.message)?.[1] ?? error.message
  return `${error.syscall}${error.path === undefined ? '' : ` ${error.path}`}: ${reason}`
}
