// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import type { Found, Trace } from './trace.ts'

/** Mounts of the host's namespace that lie in the traced directory or come from it. */
export function mounts(trace: Trace): Found[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.includes(trace.directory))
    .map((line) => {
      const fields = line.split(' ')
      const source = line.split(' - ')[1]?.split(' ').slice(0, 2).join(' ')
      return `mount ${fields[4]} (${source})`
    })
}
