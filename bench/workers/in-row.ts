// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from 'node:timers/promises'
import { median } from '../statistics/quantile.ts'
import type { Outcome } from './serve.ts'

/** Time for a pool to make one blank; the next turn must find it full. */
const REFILL_MS = 60

/** A begun operation whose sandbox still lives. */
export interface Begun {
  readonly value: number
  readonly parts: Readonly<Record<string, number>>
  /** Checks and removes it, off the clock. */
  finish(): Promise<void>
}

/** Begins `count` operations right after each other; the median counts. */
export async function inRow(count: number, begin: () => Promise<Begun>): Promise<Outcome> {
  const begun: Begun[] = []
  let teardownMs = 0
  try {
    for (let i = 0; i < count; i++) begun.push(await begin())
  } finally {
    const from = performance.now()
    for (const { finish } of begun) await finish()
    teardownMs = (performance.now() - from) / count
  }
  if (count > 1) await sleep(count * REFILL_MS)
  const middle = (values: readonly number[]): number => median(values)
  const names = Object.keys(begun[0]?.parts ?? {})
  return {
    value: middle(begun.map(({ value }) => value)),
    teardownMs,
    parts: Object.fromEntries(names.map((name) => [name, middle(begun.flatMap(({ parts }) => parts[name] ?? []))])),
  }
}
