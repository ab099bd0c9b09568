// SPDX-License-Identifier: Apache-2.0
import { Operation } from '../operation/operation.ts'
import type { SandboxRecord } from '../ports/store.ts'
import { driverNamed } from './choose-driver.ts'
import type { DomainParts } from './domain-parts.ts'

const TIMEOUT_MS = 30_000

/**
 * After a restart: the policies of the sandboxes that live hold again. Until then nothing leaves them, because
 * nobody decides.
 */
export async function reopenNetworks(parts: DomainParts, isClosing: () => boolean): Promise<void> {
  for (const record of [...parts.records.all()]) {
    if (isClosing()) return
    if (record.state === 'running' && record.network !== 'none') await reopen(parts, record)
  }
}

async function reopen(parts: DomainParts, { id, driver, ref, network }: SandboxRecord): Promise<void> {
  if (ref === null) return
  try {
    const operation = new Operation(`open the network of ${id} again`, { timeoutMs: TIMEOUT_MS })
    await parts.deps.egress?.apply(driverNamed(parts.deps.drivers, driver), ref, network, operation)
  } catch (error) {
    parts.deps.journal.warn('could not open the network of a sandbox again: it stays closed', { id, error })
  }
}
