// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'

/** The end of the server's log as a clause for an error message; empty when there is none. */
export function lastLogLine(logFile: string): string {
  try {
    const line = readFileSync(logFile, 'utf8').trimEnd().split('\n').at(-1)?.trim().slice(0, 300)
    return line ? `: ${line}` : ''
  } catch {
    return ''
  }
}
