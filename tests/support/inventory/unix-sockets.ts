// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import type { Found, Trace } from './trace.ts'

/** Unix sockets that are bound to a path in the traced directory and still open somewhere. */
export function unixSockets(trace: Trace): Found[] {
  return readFileSync('/proc/net/unix', 'utf8')
    .split('\n')
    .map((line) => line.split(/\s+/)[7] ?? '')
    .filter((bound) => bound.includes(trace.directory))
    .map((bound) => `unix socket ${bound}`)
}
