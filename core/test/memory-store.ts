// SPDX-License-Identifier: Apache-2.0
import { IsolaError } from '@isola/protocol'
import type { SandboxQuery, SandboxRecord, Store } from '../src/index.ts'
import { isLiving } from '../src/sandbox/sandbox-state.ts'

/** Keeps the same contract as the real one; see store-contract.ts. */
export class MemoryStore implements Store {
  readonly records = new Map<string, SandboxRecord>()
  readonly #keys = new Map<string, { fingerprint: string; sandboxId: string }>()

  insert(record: SandboxRecord): void {
    this.#requireFreeName(record)
    this.records.set(record.id, record)
  }

  update(id: string, change: Partial<Omit<SandboxRecord, 'id'>>): void {
    const current = this.records.get(id)
    if (current === undefined) throw new IsolaError('sandbox.not_found', `update sandbox ${id}: it is not in the store`)
    const record = { ...current, ...change }
    this.#requireFreeName(record)
    this.records.set(id, record)
  }

  remove(id: string): void {
    this.records.delete(id)
  }

  find(idOrName: string): SandboxRecord | undefined {
    const named = this.#inOrder().filter(({ name }) => name === idOrName)
    return this.records.get(idOrName) ?? named.find(({ state }) => isLiving(state)) ?? named.at(-1)
  }

  list({ state, name, labels, limit, after }: SandboxQuery): readonly SandboxRecord[] {
    const all = this.#inOrder()
    const start = after === undefined ? 0 : all.findIndex(({ id }) => id === after) + 1
    return all
      .slice(start)
      .filter((record) => state === undefined || record.state === state)
      .filter((record) => name === undefined || record.name === name)
      .filter((record) => Object.entries(labels ?? {}).every(([key, value]) => record.labels[key] === value))
      .slice(0, limit)
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

  #inOrder(): SandboxRecord[] {
    const place = ({ createdAt, id }: SandboxRecord): string => `${createdAt} ${id}`
    return [...this.records.values()].sort((left, right) => (place(left) < place(right) ? -1 : 1))
  }

  #requireFreeName({ id, name, state }: SandboxRecord): void {
    const holder = name === null || !isLiving(state) ? undefined : this.find(name)
    if (holder === undefined || holder.id === id || holder.name !== name || !isLiving(holder.state)) return
    throw new IsolaError('sandbox.name_taken', `the name ${name} is taken`)
  }
}
