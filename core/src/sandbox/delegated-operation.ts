// SPDX-License-Identifier: Apache-2.0
import { Operation } from '../operation/operation.ts'

/** Work on behalf of others. Its steps stand in their logs too, so that whoever gives up knows what it waited for. */
export class DelegatedOperation extends Operation {
  readonly #callers: Iterable<Operation>

  constructor(name: string, signal: AbortSignal, callers: Iterable<Operation>) {
    super(name, { signal })
    this.#callers = callers
  }

  override log(message: string): void {
    super.log(message)
    for (const caller of this.#callers) caller.log(message)
  }
}
