// SPDX-License-Identifier: Apache-2.0
import type { Operation } from '../operation/operation.ts'
import type { SandboxRecord } from '../ports/store.ts'
import { driverNamed } from './choose-driver.ts'
import type { DomainParts } from './domain-parts.ts'

/** Destroys sandboxes, each once however many ask for it. */
export class Destroyer {
  readonly #parts: DomainParts
  readonly #underWay = new Map<string, Promise<void>>()

  constructor(parts: DomainParts) {
    this.#parts = parts
  }

  /**
   * Resolves when nothing is left of the sandbox. A caller who stops waiting does not stop the destruction.
   * @throws sandbox.not_found
   */
  async destroy(idOrName: string, reason: string, operation: Operation): Promise<void> {
    const { id } = this.#parts.records.get(idOrName)
    await operation.race(this.destroyNow(id, reason))
  }

  /** Without a caller who waits: failures go to the journal, and the record tells of them. */
  async destroyInBackground(id: string, reason: string): Promise<void> {
    try {
      await this.destroyNow(id, reason)
    } catch (error) {
      this.#parts.deps.journal.warn('could not destroy a sandbox', { id, reason, error })
    }
  }

  /** Resolves when nothing is being destroyed. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#underWay.values())
  }

  /** The destruction itself, the same for all who ask for it. */
  destroyNow(id: string, reason: string): Promise<void> {
    const earlier = this.#underWay.get(id)
    if (earlier !== undefined) return earlier
    const destruction = this.#run(id, reason).finally(() => this.#underWay.delete(id))
    this.#underWay.set(id, destruction)
    return destruction
  }

  async #run(id: string, reason: string): Promise<void> {
    await this.#parts.attempts.stop(id)
    const record = this.#parts.records.store.find(id)
    if (record !== undefined) await this.#removeRecorded(record, reason)
  }

  async #removeRecorded(record: SandboxRecord, reason: string): Promise<void> {
    const { records, links, claims, deps } = this.#parts
    const { id } = record
    // After a crash the record may say `stopping` already; the work is then simply done again.
    if (record.state !== 'stopping') records.transition(id, 'destroy', reason, { desiredState: 'destroyed' })
    claims.forget(id)
    links.close(id, reason)
    try {
      await this.#parts.remove(driverNamed(deps.drivers, record.driver), id)
    } catch (error) {
      records.transition(id, 'destroy-failed', error instanceof Error ? error.message : String(error))
      throw error
    }
    records.remove(id)
  }
}
