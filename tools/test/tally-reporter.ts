// SPDX-License-Identifier: Apache-2.0
import { writeFileSync } from 'node:fs'
import type { Reporter, SerializedError, TestModule } from 'vitest/node'
import type { Skipped, Tally } from './tally.ts'

/** Counts tests for `npm test`, keeping the reason of each skipped one. */
export class TallyReporter implements Reporter {
  readonly #file: string

  /** @param file where to write the tally */
  constructor(file: string) {
    this.#file = file
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    writeFileSync(this.#file, JSON.stringify(count(modules, unhandled.length)))
  }
}

function count(modules: readonly TestModule[], unhandled: number): Tally {
  let passed = 0
  let failed = unhandled
  const skipped: Skipped[] = []
  for (const module of modules) {
    failed += module.errors().length
    for (const suite of module.children.allSuites()) failed += suite.errors().length
    for (const test of module.children.allTests()) {
      const result = test.result()
      if (result.state === 'passed') passed += 1
      else if (result.state === 'failed') failed += 1
      else skipped.push({ test: test.fullName, reason: reasonOf(result) })
    }
  }
  return { passed, failed, skipped }
}

function reasonOf(result: { state: string; note?: string | undefined }): string {
  if (result.state !== 'skipped') return 'it did not finish'
  return result.note ?? 'no reason given'
}
