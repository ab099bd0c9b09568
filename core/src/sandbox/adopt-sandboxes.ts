// SPDX-License-Identifier: Apache-2.0
import type { Driver } from '../driver/driver.ts'
import type { Operation } from '../operation/operation.ts'
import type { SandboxRecord } from '../ports/store.ts'
import { removeSandbox } from '../pool/make-blank.ts'
import type { Destroyer } from './destroy-sandbox.ts'
import type { DomainParts } from './domain-parts.ts'
import type { AdoptionReport } from './service-deps.ts'

const REMOVALS_AT_ONCE = 4

/** What should become of one record, given what the host says. */
export type Adoption = 'keep' | 'lost' | 'destroy' | 'forget'

/** Pure: the record's state × what the driver sees → what to do. `undefined`: the driver cannot be asked. */
export function decideAdoption(record: SandboxRecord, isAlive: boolean | undefined): Adoption {
  // Earlier versions wrote it between the removal of a sandbox and that of its record.
  if (record.state === 'destroyed') return 'forget'
  if (isAlive === undefined) return 'keep'
  if (record.state === 'creating' || record.state === 'stopping') return 'destroy'
  if (record.state === 'running' && !isAlive) return record.ephemeral ? 'destroy' : 'lost'
  return 'keep'
}

/**
 * After a restart: keeps what lives, records what was lost, and removes in the background what was
 * half made, half removed or belongs to nobody; `removed` resolves when that is over. No agent is
 * asked: one may be frozen.
 */
export async function adoptSandboxes(
  parts: DomainParts,
  destroyer: Destroyer,
  isClosing: () => boolean,
  operation: Operation,
): Promise<{ report: AdoptionReport; removed: Promise<void> }> {
  const seen = await listAll(parts, operation)
  const known = new Set<string>()
  const removals: (() => Promise<void>)[] = []
  let adopted = 0
  let lost = 0
  for (const record of [...parts.records.all()]) {
    known.add(record.id)
    const living = seen.get(record.driver)
    const decision = decideAdoption(record, living && (living.ids.get(record.id) ?? false))
    if (decision === 'destroy')
      removals.push(() => destroyer.destroyInBackground(record.id, 'left over from an earlier server'))
    else if (decision === 'forget') parts.records.store.remove(record.id)
    else if (decision === 'lost') {
      lost += 1
      parts.records.transition(record.id, 'lost', 'it was gone when the server started')
    } else if (record.state === 'running') {
      adopted += 1
      if (record.ephemeral) parts.claims.watch(record.id)
    }
  }
  const orphans = [...seen.values()].flatMap(({ driver, ids }) =>
    [...ids.keys()].filter((id) => !known.has(id)).map((id) => ({ driver, id })),
  )
  for (const { driver, id } of orphans) removals.push(() => removeOrphan(parts, driver, id))
  const removed = runAFewAtOnce(removals, isClosing)
  return { report: { adopted, lost, orphans: orphans.length }, removed }
}

interface Living {
  readonly driver: Driver
  readonly ids: ReadonlyMap<string, boolean>
}

/** A driver that cannot answer is left out: not knowing is no reason to give anything up. */
async function listAll(parts: DomainParts, operation: Operation): Promise<Map<string, Living>> {
  const seen = new Map<string, Living>()
  for (const driver of parts.deps.drivers) {
    try {
      const listed = await operation.race(driver.list(operation))
      seen.set(driver.name, { driver, ids: new Map([...listed].map(([id, { alive }]) => [id, alive])) })
    } catch (error) {
      parts.deps.journal.warn('could not list the sandboxes of a driver', { driver: driver.name, error })
    }
  }
  return seen
}

async function removeOrphan(parts: DomainParts, driver: Driver, id: string): Promise<void> {
  try {
    await removeSandbox(driver, id)
    parts.deps.journal.info('removed a sandbox that belonged to nobody', { id, driver: driver.name })
  } catch (error) {
    parts.deps.journal.warn('could not remove a sandbox that belongs to nobody', { id, driver: driver.name, error })
  }
}

/** What has not begun when the server stops is left to the next one. */
async function runAFewAtOnce(tasks: readonly (() => Promise<void>)[], isClosing: () => boolean): Promise<void> {
  const queue = [...tasks]
  const lane = async (): Promise<void> => {
    for (let task = queue.shift(); task !== undefined && !isClosing(); task = queue.shift()) await task()
  }
  await Promise.all(Array.from({ length: REMOVALS_AT_ONCE }, lane))
}
