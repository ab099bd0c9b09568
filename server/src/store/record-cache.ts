// SPDX-License-Identifier: Apache-2.0
import type { SandboxRecord } from '@isola/core'

const MOST = 4096

/**
 * The records that are asked for on every request, as they stand in the database. Coherent because
 * the state directory has one server and every write goes through the store.
 */
export class RecordCache {
  readonly #records = new Map<string, SandboxRecord>()

  get(id: string): SandboxRecord | undefined {
    return this.#records.get(id)
  }

  /** Keeps a record and hands it on; the one that was kept longest makes room. */
  keep(record: SandboxRecord): SandboxRecord {
    this.#records.delete(record.id)
    this.#records.set(record.id, record)
    if (this.#records.size > MOST) {
      const [oldest] = this.#records.keys()
      if (oldest !== undefined) this.#records.delete(oldest)
    }
    return record
  }

  forget(id: string): void {
    this.#records.delete(id)
  }
}
