// SPDX-License-Identifier: Apache-2.0
import type { Skipped, Tally } from './tally.ts'

const RESULT = /^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored;/gm
const IGNORED = /^test (.+) \.\.\. ignored(?:, (.+))?$/gm

/** Adds up what the test programs of `cargo test` printed. */
export function tallyOf(output: string, exitCode: number | null): Tally {
  let passed = 0
  let failed = 0
  for (const [, good, bad] of output.matchAll(RESULT)) {
    passed += Number(good)
    failed += Number(bad)
  }
  const skipped: Skipped[] = [...output.matchAll(IGNORED)].map(([, test, reason]) => ({
    test: `guest ${test}`,
    reason: reason ?? 'no reason given',
  }))
  // A crate that does not compile, or a test program that dies, has no result line.
  const broken = exitCode !== 0 && failed === 0
  return { passed, failed: broken ? 1 : failed, skipped }
}
