// SPDX-License-Identifier: Apache-2.0
import { closeSync, openSync, writeSync } from 'node:fs'

const STDOUT = 1

/** Synchronous and past `process.stdout`, so that the line is out whatever happens next. */
export function say(value: unknown): void {
  writeSync(STDOUT, `${JSON.stringify(value)}\n`)
}

/**
 * Lets go of whoever started us: they must not wait for a pipe that we hold, nor we write to one
 * that is gone, nor keep their directory busy.
 *
 * Safety: the lowest free descriptor is the one just closed, so nothing else becomes stdout.
 */
export function leaveStdout(): void {
  closeSync(STDOUT)
  openSync('/dev/null', 'w')
  process.chdir('/')
}
