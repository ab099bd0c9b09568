// SPDX-License-Identifier: Apache-2.0
import type { Destroyer } from './destroy-sandbox.ts'
import type { DomainParts } from './domain-parts.ts'

const FIRST_RETRY_MS = 1000
const LONGEST_RETRY_MS = 60_000

/**
 * Sandboxes that end without having been asked to: a blank is replaced, an ephemeral one removed, any
 * other becomes `failed`. What cannot be recorded, on a full disk for one, is tried again until it is.
 */
export class ExitNotes {
  readonly #parts: DomainParts
  readonly #destroyer: Destroyer
  readonly #cancelRetry = new Map<string, () => void>()
  #isClosed = false

  constructor(parts: DomainParts, destroyer: Destroyer) {
    this.#parts = parts
    this.#destroyer = destroyer
  }

  /** Never throws: it is called from where a driver reads what the host tells of all sandboxes. */
  note(id: string, reason: string): void {
    if (!this.#parts.pool.drop(id)) void this.#record(id, reason, FIRST_RETRY_MS)
  }

  /** What is not recorded by now is found out by the next server. */
  close(): void {
    this.#isClosed = true
    for (const cancel of this.#cancelRetry.values()) cancel()
    this.#cancelRetry.clear()
  }

  async #record(id: string, reason: string, retryMs: number): Promise<void> {
    const { records, links, deps } = this.#parts
    try {
      const record = records.store.find(id)
      // One that is being made or removed notices by itself.
      if (record?.state !== 'running') return
      links.close(id, reason)
      if (record.ephemeral) await this.#destroyer.destroyNow(id, reason)
      else records.transition(id, 'lost', reason)
    } catch (error) {
      deps.journal.warn('could not record the end of a sandbox', { id, reason, error })
      this.#recordLater(id, reason, retryMs)
    }
  }

  #recordLater(id: string, reason: string, delayMs: number): void {
    if (this.#isClosed) return
    this.#cancelRetry.get(id)?.()
    const cancel = this.#parts.deps.clock.after(delayMs, () => {
      this.#cancelRetry.delete(id)
      void this.#record(id, reason, Math.min(2 * delayMs, LONGEST_RETRY_MS))
    })
    this.#cancelRetry.set(id, cancel)
  }
}
