// SPDX-License-Identifier: Apache-2.0
import type { SandboxRecords } from './sandbox-records.ts'

/** Enough to look at what went wrong; without a bound a client that only fails would fill the store. */
const KEPT = 256

/** Forgets the oldest records of creates that failed. Nothing belongs to them; those that died later may still hold a disk. */
export function pruneFailed(records: SandboxRecords): void {
  const failed = [...records.all()].filter(({ state, ref }) => state === 'failed' && ref === null)
  for (const { id } of failed.slice(0, Math.max(0, failed.length - KEPT))) records.store.remove(id)
}
