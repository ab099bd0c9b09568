// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Looks again until `look` finds something or the bound is reached; then its last word counts.
 * Only for what the kernel releases or starts on its own schedule and sends no event for.
 */
export async function eventually<T>(
  look: () => T | Promise<T>,
  done: (value: T) => boolean,
  withinMs = 15_000,
): Promise<T> {
  const deadline = performance.now() + withinMs
  for (let pauseMs = 5; ; pauseMs = Math.min(pauseMs * 2, 250)) {
    const value = await look()
    if (done(value) || performance.now() > deadline) return value
    await sleep(pauseMs)
  }
}
