// SPDX-License-Identifier: Apache-2.0
import { IsolaError } from '@isola/protocol'
import type { Clock } from '../ports/clock.ts'
import type { SandboxRecord, Store } from '../ports/store.ts'
import { nextState, type SandboxEvent } from './sandbox-state.ts'

/** More history than anybody reads; the oldest steps after the first are forgotten. */
const MAX_TRANSITIONS = 64
const PAGE = 1000

/** The records of all sandboxes; every change of state goes through the state machine. */
export class SandboxRecords {
  readonly store: Store
  readonly #clock: Clock

  constructor(store: Store, clock: Clock) {
    this.store = store
    this.#clock = clock
  }

  now(): string {
    return new Date(this.#clock.nowMs()).toISOString()
  }

  /** @throws sandbox.not_found */
  get(idOrName: string): SandboxRecord {
    const record = this.store.find(idOrName)
    if (record === undefined)
      throw new IsolaError('sandbox.not_found', `there is no sandbox ${JSON.stringify(idOrName)}`)
    return record
  }

  /** @throws sandbox.not_found, sandbox.not_running with the reason of the last transition. */
  getRunning(idOrName: string): SandboxRecord {
    const record = this.get(idOrName)
    if (record.state === 'running') return record
    const reason = record.transitions.at(-1)?.reason ?? ''
    const name = record.name ?? record.id
    throw new IsolaError('sandbox.not_running', `sandbox ${name} is ${record.state}: ${reason}`, {
      context: { sandboxId: record.id, state: record.state, reason },
    })
  }

  /** @throws sandbox.name_taken */
  insert(record: SandboxRecord): void {
    this.store.insert(record)
  }

  /**
   * The last step of a life. Nothing is left to be told of, so there is no record of it either: one
   * that said `destroyed` until it was removed could be left behind by a kill in between.
   * @throws sandbox.not_found, sandbox.state_conflict
   */
  remove(id: string): void {
    nextState(this.get(id).state, 'removed')
    this.store.remove(id)
  }

  /** @throws sandbox.not_found, sandbox.state_conflict */
  transition(
    id: string,
    event: SandboxEvent,
    reason: string,
    change: Partial<Omit<SandboxRecord, 'id'>> = {},
  ): SandboxRecord {
    const record = this.get(id)
    const to = nextState(record.state, event)
    const [first, ...rest] = [...record.transitions, { at: this.now(), from: record.state, to, reason }]
    const transitions = [first as NonNullable<typeof first>, ...rest.slice(1 - MAX_TRANSITIONS)]
    const update = { ...change, state: to, transitions }
    this.store.update(id, update)
    return { ...record, ...update }
  }

  *all(): Generator<SandboxRecord, void, undefined> {
    let after: string | undefined
    for (;;) {
      const page = this.store.list({ limit: PAGE, ...(after === undefined ? {} : { after }) })
      yield* page
      if (page.length < PAGE) return
      after = page.at(-1)?.id
    }
  }
}
