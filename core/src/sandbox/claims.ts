// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../ports/clock.ts'

/** Ephemeral sandboxes belong to the stream that claims them; one that nobody claims in time is collected. */
export class Claims {
  readonly #clock: Clock
  readonly #timeoutMs: number
  readonly #collect: (id: string) => void
  readonly #held = new Map<string, { claims: number; cancelTimer: (() => void) | undefined }>()

  constructor(clock: Clock, timeoutMs: number, collect: (id: string) => void) {
    this.#clock = clock
    this.#timeoutMs = timeoutMs
    this.#collect = collect
  }

  /** From now on the sandbox is collected unless it is claimed. */
  watch(id: string): void {
    if (!this.#held.has(id)) this.#held.set(id, { claims: 0, cancelTimer: this.#startTimer(id) })
  }

  /** Does nothing for a sandbox that is not watched. The release may be called more than once. */
  claim(id: string): () => void {
    const entry = this.#held.get(id)
    if (entry === undefined) return () => {}
    entry.claims += 1
    entry.cancelTimer?.()
    entry.cancelTimer = undefined
    let released = false
    return () => {
      if (released) return
      released = true
      entry.claims -= 1
      if (entry.claims === 0 && this.#held.get(id) === entry) entry.cancelTimer = this.#startTimer(id)
    }
  }

  forget(id: string): void {
    this.#held.get(id)?.cancelTimer?.()
    this.#held.delete(id)
  }

  close(): void {
    for (const id of [...this.#held.keys()]) this.forget(id)
  }

  #startTimer(id: string): () => void {
    return this.#clock.after(this.#timeoutMs, () => {
      this.#held.delete(id)
      this.#collect(id)
    })
  }
}
