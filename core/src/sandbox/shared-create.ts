// SPDX-License-Identifier: Apache-2.0
import type { Operation } from '../operation/operation.ts'
import type { SandboxRecord } from '../ports/store.ts'
import { DelegatedOperation } from './delegated-operation.ts'

/** One create for all who ask for the same: it belongs to none of them and goes on while one of them waits. */
export class SharedCreate {
  readonly fingerprint: string
  /** Set as soon as there is something that could be removed. */
  sandboxId: string | undefined
  readonly #abort = new AbortController()
  readonly #callers = new Set<Operation>()
  readonly #operation: Operation
  #result: Promise<SandboxRecord> | undefined
  #isOver = false

  constructor(name: string, fingerprint: string) {
    this.fingerprint = fingerprint
    this.#operation = new DelegatedOperation(name, this.#abort.signal, this.#callers)
  }

  /** Everybody who waited has gone; it only cleans up any more. */
  get isAbandoned(): boolean {
    return this.#abort.signal.aborted
  }

  /** The first caller begins it, the others wait with that one. */
  async join(caller: Operation, begin: (operation: Operation) => Promise<SandboxRecord>): Promise<SandboxRecord> {
    this.#callers.add(caller)
    try {
      this.#result ??= begin(this.#operation).finally(() => {
        this.#isOver = true
      })
      return await caller.race(this.#result)
    } finally {
      this.#callers.delete(caller)
      if (this.#callers.size === 0 && !this.#isOver) this.#abort.abort(caller.signal.reason)
    }
  }

  /** Resolves when it is over, however it went. */
  async settled(): Promise<void> {
    await this.#result?.catch(() => {})
  }
}
