// SPDX-License-Identifier: Apache-2.0
import { SdkError } from '../sdk-error.ts'

/** A shell line, or a program and its arguments. */
export type Command = string | readonly string[]

/** @throws {SdkError} argument.invalid */
export function commandFields(command: Command): { shell: string } | { argv: string[] } {
  if (typeof command === 'string' && command !== '') return { shell: command }
  if (Array.isArray(command) && command.length > 0) return { argv: [...command] }
  throw new SdkError(
    'argument.invalid',
    'start a process: the command is empty',
    "give a shell line or ['program', 'argument']",
  )
}
