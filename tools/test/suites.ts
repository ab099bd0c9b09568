// SPDX-License-Identifier: Apache-2.0

/** One row: a suite of tests, in the order in which `npm test` runs them. */
export interface Suite {
  /** What it is called on the command line; for vitest, the name of its project in vitest.config.ts. */
  readonly name: string
  readonly runner: 'vitest' | 'cargo'
  /** Whether files may run side by side; suites that watch the whole host for leaks say no. */
  readonly parallel: boolean
  /** Longer than this and the suite is stopped and counted as failed. */
  readonly limitMs: number
  /** Whether `npm test` without arguments runs it. */
  readonly always: boolean
}

const MINUTE_MS = 60_000

export const suites: readonly Suite[] = [
  { name: 'unit', runner: 'vitest', parallel: true, limitMs: 5 * MINUTE_MS, always: true },
  { name: 'guest', runner: 'cargo', parallel: true, limitMs: 8 * MINUTE_MS, always: true },
  { name: 'conformance', runner: 'vitest', parallel: false, limitMs: 10 * MINUTE_MS, always: true },
  { name: 'security', runner: 'vitest', parallel: false, limitMs: 8 * MINUTE_MS, always: true },
  { name: 'e2e', runner: 'vitest', parallel: false, limitMs: 12 * MINUTE_MS, always: true },
  { name: 'guest-long', runner: 'cargo', parallel: true, limitMs: 60 * MINUTE_MS, always: false },
  { name: 'long', runner: 'vitest', parallel: false, limitMs: 60 * MINUTE_MS, always: false },
]
