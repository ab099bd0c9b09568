// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '@isola/core'

/** Time that passes when the test says so. */
export class FakeClock implements Clock {
  #nowMs = 0
  readonly #timers = new Map<object, { dueMs: number; callback: () => void }>()

  nowMs(): number {
    return this.#nowMs
  }

  after(delayMs: number, callback: () => void): () => void {
    const key = {}
    this.#timers.set(key, { dueMs: this.#nowMs + delayMs, callback })
    return () => void this.#timers.delete(key)
  }

  advance(ms: number): void {
    const untilMs = this.#nowMs + ms
    for (;;) {
      const [next] = [...this.#timers]
        .filter(([, { dueMs }]) => dueMs <= untilMs)
        .sort(([, a], [, b]) => a.dueMs - b.dueMs)
      if (next === undefined) break
      this.#timers.delete(next[0])
      this.#nowMs = next[1].dueMs
      next[1].callback()
    }
    this.#nowMs = untilMs
  }
}
