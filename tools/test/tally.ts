// SPDX-License-Identifier: Apache-2.0

/** What came of a suite. */
export interface Tally {
  readonly passed: number
  readonly failed: number
  readonly skipped: readonly Skipped[]
}

/** A test that did not run, and why. */
export interface Skipped {
  readonly test: string
  readonly reason: string
}

export const nothing: Tally = { passed: 0, failed: 0, skipped: [] }

export function sum(tallies: readonly Tally[]): Tally {
  return tallies.reduce(
    (total, tally) => ({
      passed: total.passed + tally.passed,
      failed: total.failed + tally.failed,
      skipped: [...total.skipped, ...tally.skipped],
    }),
    nothing,
  )
}

/** The line that every run ends with. */
export function lastLine(tally: Tally): string {
  return `${tally.passed} passed, ${tally.failed} failed, ${tally.skipped.length} skipped`
}

/** Skipped tests under their reasons, one test a line. */
export function skippedLines(tally: Tally): string[] {
  const byReason = Map.groupBy(tally.skipped, (skipped) => skipped.reason)
  return [...byReason].flatMap(([reason, tests]) => [
    `skipped: ${reason}`,
    ...tests.map((skipped) => `  ${skipped.test}`),
  ])
}
