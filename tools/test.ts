// SPDX-License-Identifier: Apache-2.0
// npm test [suite...] [filter...]: the suites by name, or all that always run; a filter picks tests by path or name.
import { runCargo } from './test/run-cargo.ts'
import { runVitest } from './test/run-vitest.ts'
import { type Suite, suites } from './test/suites.ts'
import { lastLine, nothing, skippedLines, sum, type Tally } from './test/tally.ts'

const INTERRUPTED = 130
const interrupt = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => interrupt.abort())

const { chosen, filters } = choose(process.argv.slice(2))
const tallies: Tally[] = []
for (const suite of chosen) if (!interrupt.signal.aborted) tallies.push(await run(suite))
const total = sum(tallies)
console.log(['', ...skippedLines(total), lastLine(total)].join('\n'))
process.exitCode = interrupt.signal.aborted ? INTERRUPTED : total.failed > 0 || total.passed === 0 ? 1 : 0

/** One suite; one that takes too long is stopped, and has failed. */
async function run(suite: Suite): Promise<Tally> {
  console.log(`\n── ${suite.name} ──`)
  const limit = AbortSignal.timeout(suite.limitMs)
  const runner = suite.runner === 'cargo' ? runCargo : runVitest
  const tally = await runner(suite, filters, AbortSignal.any([limit, interrupt.signal]))
  if (!limit.aborted) return tally
  console.log(`${suite.name}: stopped after ${suite.limitMs / 60_000} minutes`)
  return sum([tally, { ...nothing, failed: 1 }])
}

function choose(words: readonly string[]): { chosen: Suite[]; filters: string[] } {
  const named = suites.filter((suite) => words.includes(suite.name))
  return {
    chosen: named.length > 0 ? named : suites.filter((suite) => suite.always),
    filters: words.filter((word) => !suites.some((suite) => suite.name === word)),
  }
}
