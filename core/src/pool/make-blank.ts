// SPDX-License-Identifier: Apache-2.0
import type { AgentLink } from '../agent-link/agent-link.ts'
import type { BlankSpec, Driver, SandboxRef } from '../driver/driver.ts'
import type { Cleanup } from '../operation/cleanup.ts'
import { Operation } from '../operation/operation.ts'
import type { TemplateDefaults } from '../ports/template-source.ts'
import type { Blank } from './blank.ts'

const REMOVE_TIMEOUT_MS = 60_000

export interface BlankMaker {
  readonly driver: Driver
  connect(driver: Driver, ref: SandboxRef, keyHex: string, operation: Operation): Promise<AgentLink>
}

/**
 * Prepares a blank and connects to its agent; what to undo is in `cleanup`.
 * An operation that ends early does not interrupt the driver half-way: removal waits for it.
 */
export async function makeBlank(
  maker: BlankMaker,
  spec: BlankSpec,
  { fingerprint }: TemplateDefaults,
  operation: Operation,
  cleanup: Cleanup,
): Promise<Blank> {
  operation.check()
  const preparing = maker.driver.prepare(spec, operation)
  cleanup.add('remove the blank', async () => {
    await preparing.catch(() => {})
    await removeSandbox(maker.driver, spec.sandboxId)
  })
  const ref = await operation.race(preparing)
  operation.log('prepared a blank')
  const link = await maker.connect(maker.driver, ref, spec.keyHex, operation)
  operation.log('connected to its agent')
  const { sandboxId: id, template, keyHex } = spec
  return { id, driver: maker.driver.name, template, fingerprint, keyHex, ref, link }
}

/** Removal has its own deadline: it must happen also when the operation that asked for it has ended. */
export function removeSandbox(driver: Driver, id: string): Promise<void> {
  return driver.destroy(id, new Operation(`remove sandbox ${id}`, { timeoutMs: REMOVE_TIMEOUT_MS }))
}
