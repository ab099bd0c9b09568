// SPDX-License-Identifier: Apache-2.0
import { isola, isolaInProcess } from '../participants/isola.ts'
import { workerParticipant } from '../participants/worker.ts'
import { type ComparedRow, minus } from './row.ts'

const UNIX = 'HTTP + SDK, unix socket'
const TCP = 'HTTP + SDK, TCP'
const DIRECT = 'core + driver, in process'
/** What no server in Node with a client in Node can be below. */
const FLOOR = 'two empty requests, bare Node HTTP'
const IN_ROW = 8

/** After a pause every process has to be woken and every cache filled; in a row only the work itself is left. */
export const b10: readonly ComparedRow[] = [
  b10Row('what HTTP, server and SDK add to create + `echo`, each after a pause (ms)', {
    pool: 4,
    inRow: 1,
    rounds: 200,
  }),
  b10Row(`the same, ${IN_ROW} in a row (ms)`, { pool: IN_ROW + 2, inRow: IN_ROW, rounds: 60 }),
]

function b10Row(title: string, { pool, inRow, rounds }: { pool: number; inRow: number; rounds: number }): ComparedRow {
  const compare = (ours: string, atMost: number) =>
    ({ ours, theirs: DIRECT, promise: `≤ ${atMost} ms over in process`, combine: minus, atMost, shown: 'ms' }) as const
  return {
    kind: 'compared',
    id: 'B10',
    title,
    unit: 'ms',
    rounds,
    quickRounds: 15,
    participants: (place) => [
      () => isola(place, { name: UNIX, operation: 'create-and-run', pool, inRow, connection: 'unix' }),
      () => isola(place, { name: TCP, operation: 'create-and-run', pool, inRow, connection: 'tcp' }),
      () => isolaInProcess(place, { name: DIRECT, pool, inRow }),
      () =>
        workerParticipant({
          name: FLOOR,
          isolation: 'none',
          script: 'bare-requests.ts',
          env: { ISOLA_BENCH_IN_ROW: String(inRow) },
        }),
    ],
    comparisons: [compare(UNIX, 0.3), compare(TCP, 0.5)],
  }
}
