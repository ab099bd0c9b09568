// SPDX-License-Identifier: Apache-2.0
import { IsolaError } from '@isola/protocol'
import type { SandboxQuery, SandboxRecord, Store } from '../src/index.ts'

export class MemoryStore implements Store {
  readonly records = new Map<string, SandboxRecord>()
  readonly #keys = new Map<string, { fingerprint: string; sandboxId: string }>()

  insert(record: SandboxRecord): void {
    if (record.name !== null && this.find(record.name) !== undefined) {
      throw new IsolaError('sandbox.name_taken', `the name ${record.name} is taken`)
    }
    this.records.set(record.id, record)
  }

  update(id: string, change: Partial<Omit<SandboxRecord, 'id'>>): void {
    const record = this.records.get(id)
    if (record !== undefined) this.records.set(id, { ...record, ...change })
  }

  remove(id: string): void {
    this.records.delete(id)
  }

  find(idOrName: string): SandboxRecord | undefined {
    return this.records.get(idOrName) ?? [...this.records.values()].find(({ name }) => name === idOrName)
  }

  list(query: SandboxQuery): readonly SandboxRecord[] {
    const all = [...this.records.values()]
    const start = query.after === undefined ? 0 : all.findIndex(({ id }) => id === query.after) + 1
    return all
      .slice(start)
      .filter(({ state }) => query.state === undefined || state === query.state)
      .slice(0, query.limit)
  }

  count(): number {
    return this.records.size
  }

  recall(key: string): { fingerprint: string; sandboxId: string } | undefined {
    return this.#keys.get(key)
  }

  remember(key: string, fingerprint: string, sandboxId: string): void {
    this.#keys.set(key, { fingerprint, sandboxId })
  }

  close(): void {}
}
