// SPDX-License-Identifier: Apache-2.0
import type { Journal } from '@isola/core'
import { IsolaError } from '@isola/protocol'

type Fields = Readonly<Record<string, unknown>>

/** One line an entry on the given stream, which is the log file for a server that runs in the background. */
export function makeJournal(write: (line: string) => void): Journal {
  const entry = (level: string, message: string, fields: Fields = {}): void => {
    const details = Object.keys(fields).length === 0 ? '' : ` ${JSON.stringify(fields, plain)}`
    write(`${new Date().toISOString()} ${level} ${message}${details}\n`)
  }
  return {
    info: (message, fields) => entry('info', message, fields),
    warn: (message, fields) => entry('warn', message, fields),
  }
}

/** An error that was foreseen says all in its message; of any other the stack is what helps. */
function plain(_key: string, value: unknown): unknown {
  if (IsolaError.is(value))
    return `${value.code}: ${value.message}${value.cause instanceof Error ? ` (${value.cause.message})` : ''}`
  return value instanceof Error ? (value.stack ?? value.message) : value
}
