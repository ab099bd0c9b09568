// SPDX-License-Identifier: Apache-2.0
import { isolaInProcess } from '../participants/isola.ts'
import { limit } from '../participants/limit.ts'
import type { ComparedRow } from '../rows/row.ts'

const NO_POOL = 'in process, no pool'
const READY = 'in process, ready pool'

/** Create and `echo` without HTTP, step by step, beside the floor step by step. Promises nothing. */
export const profileRow: ComparedRow = {
  kind: 'compared',
  id: 'steps',
  title: 'create + `echo` in process, for the profile (ms)',
  unit: 'ms',
  rounds: 100,
  quickRounds: 15,
  participants: (place) => [
    () => isolaInProcess(place, { name: NO_POOL, pool: 0 }),
    () => isolaInProcess(place, { name: READY, pool: 4 }),
    () => limit(place, { name: 'L', beside: NO_POOL }),
  ],
  comparisons: [],
}
