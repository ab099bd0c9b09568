// SPDX-License-Identifier: Apache-2.0
import type { EgressRelay, RelayBounds } from '@isola/core'
import type { RelayDecision, RelayEvent } from '@isola/protocol'

/** A relay without connections: remembers its orders, and tells what the test wants. */
export class FakeRelay implements EgressRelay {
  readonly opened: { sandboxId: string; bounds: RelayBounds }[] = []
  readonly decisions: RelayDecision[] = []
  readonly cuts: { sandboxId: string; connections: readonly number[] | undefined }[] = []
  readonly answers: { query: number; message: Uint8Array }[] = []
  readonly bounds: RelayBounds[] = []
  fail: Error | undefined
  #onEvent: (event: RelayEvent) => void = () => {}
  #onLost: () => void = () => {}

  async open(sandboxId: string, bounds: RelayBounds): Promise<void> {
    if (this.fail !== undefined) throw this.fail
    this.opened.push({ sandboxId, bounds })
  }

  decide(decision: RelayDecision): void {
    this.decisions.push(decision)
  }

  bound(_sandboxId: string, bounds: RelayBounds): void {
    this.bounds.push(bounds)
  }

  cut(sandboxId: string, connections?: readonly number[]): void {
    this.cuts.push({ sandboxId, connections })
  }

  answer(query: number, message: Uint8Array): void {
    this.answers.push({ query, message })
  }

  onEvent(listener: (event: RelayEvent) => void): void {
    this.#onEvent = listener
  }

  onLost(listener: () => void): void {
    this.#onLost = listener
  }

  tell(event: RelayEvent): void {
    this.#onEvent(event)
  }

  lose(): void {
    this.#onLost()
  }

  /** What was decided last. */
  get last(): RelayDecision | undefined {
    return this.decisions.at(-1)
  }
}
