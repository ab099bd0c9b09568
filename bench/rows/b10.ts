// SPDX-License-Identifier: Apache-2.0
import { isola, isolaInProcess } from '../participants/isola.ts'
import { type ComparedRow, minus } from './row.ts'

const UNIX = 'HTTP + SDK, unix socket'
const TCP = 'HTTP + SDK, TCP'
const DIRECT = 'core + driver, in process'
const POOL = 4

export const b10: ComparedRow = {
  kind: 'compared',
  id: 'B10',
  title: 'what HTTP, server and SDK add to create + `echo` with a ready pool (ms)',
  unit: 'ms',
  rounds: 300,
  quickRounds: 20,
  participants: (place) => [
    () => isola(place, { name: UNIX, operation: 'create-and-run', pool: POOL, connection: 'unix' }),
    () => isola(place, { name: TCP, operation: 'create-and-run', pool: POOL, connection: 'tcp' }),
    () => isolaInProcess(place, { name: DIRECT, pool: POOL }),
  ],
  comparisons: [
    { ours: UNIX, theirs: DIRECT, promise: '≤ 0.3 ms over in process', combine: minus, atMost: 0.3, shown: 'ms' },
    { ours: TCP, theirs: DIRECT, promise: '≤ 0.5 ms over in process', combine: minus, atMost: 0.5, shown: 'ms' },
  ],
}
