// SPDX-License-Identifier: Apache-2.0
// npm test [suite...] [filter...]: the suites by name, or all that always run; a filter picks tests by path or name.
import { runCargo } from './test/run-cargo.ts'
import { runVitest } from './test/run-vitest.ts'
import { type Suite, suites } from './test/suites.ts'
import { lastLine, skippedLines, sum, type Tally } from './test/tally.ts'

const { chosen, filters } = choose(process.argv.slice(2))
const tallies: Tally[] = []
for (const suite of chosen) {
  console.log(`\n── ${suite.name} ──`)
  tallies.push(await (suite.runner === 'cargo' ? runCargo : runVitest)(suite, filters))
}
const total = sum(tallies)
console.log(['', ...skippedLines(total), lastLine(total)].join('\n'))
process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0

function choose(words: readonly string[]): { chosen: Suite[]; filters: string[] } {
  const named = suites.filter((suite) => words.includes(suite.name))
  return {
    chosen: named.length > 0 ? named : suites.filter((suite) => suite.always),
    filters: words.filter((word) => !suites.some((suite) => suite.name === word)),
  }
}
