// SPDX-License-Identifier: Apache-2.0
import type { Operation } from '../operation/operation.ts'
import { DelegatedOperation } from './delegated-operation.ts'

interface Attempt {
  readonly operation: Operation
  /** To be called when nothing more will happen in its name. */
  end(): void
}

/** The creates that are under way, so that destroying a half-made sandbox stops its making first. */
export class CreateAttempts {
  readonly #open = new Map<string, { abort: AbortController; ended: Promise<void> }>()

  begin(id: string, parent: Operation): Attempt {
    const abort = new AbortController()
    let markEnded = (): void => {}
    const ended = new Promise<void>((resolve) => {
      markEnded = resolve
    })
    this.#open.set(id, { abort, ended })
    return {
      operation: new DelegatedOperation(parent.name, AbortSignal.any([parent.signal, abort.signal]), [parent]),
      end: () => {
        this.#open.delete(id)
        markEnded()
      },
    }
  }

  get count(): number {
    return this.#open.size
  }

  isUnwanted(id: string): boolean {
    return this.#open.get(id)?.abort.signal.aborted ?? false
  }

  /** Stops the making of a sandbox and waits until it has cleaned up. */
  async stop(id: string): Promise<void> {
    const attempt = this.#open.get(id)
    attempt?.abort.abort()
    await attempt?.ended
  }

  async stopAll(): Promise<void> {
    await Promise.all([...this.#open.keys()].map((id) => this.stop(id)))
  }
}
