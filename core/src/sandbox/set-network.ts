// SPDX-License-Identifier: Apache-2.0
import { IsolaError, type Network } from '@isola/protocol'
import type { Operation } from '../operation/operation.ts'
import type { SandboxRecord } from '../ports/store.ts'
import { chooseDriver } from './choose-driver.ts'
import type { DomainParts } from './domain-parts.ts'
import { requireEgress } from './require-egress.ts'

/** Written down first: after a kill in between, the policy that was asked for holds, and not the looser one before. */
export async function setNetwork(
  parts: DomainParts,
  idOrName: string,
  network: Network,
  operation: Operation,
): Promise<SandboxRecord> {
  const { id, driver, ref, network: before } = parts.records.getRunning(idOrName)
  if (ref === null) throw new IsolaError('sandbox.not_running', `sandbox ${idOrName} was never started`)
  const chosen = await chooseDriver(parts.deps.drivers, driver, operation)
  requireEgress(parts, chosen, network)
  parts.records.store.update(id, { network })
  try {
    await parts.deps.egress?.apply(chosen.driver, ref, network, operation)
  } catch (error) {
    parts.records.store.update(id, { network: before })
    throw error
  }
  return parts.records.get(id)
}
