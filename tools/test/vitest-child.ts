// SPDX-License-Identifier: Apache-2.0
// A process that runs one project of vitest. On SIGUSR2 it stops testing, takes down what the suite
// has set up, and reports what was done so far; the command line of vitest would just end.
import { parseArgs } from 'node:util'
import { createVitest } from 'vitest/node'
import { TallyReporter } from './tally-reporter.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { project: { type: 'string' }, tally: { type: 'string' }, serial: { type: 'boolean' } },
})
const { project = '', tally = '', serial = false } = values

const vitest = await createVitest('test', {
  project: [project],
  watch: false,
  fileParallelism: !serial,
  configLoader: 'native',
  cache: false,
  reporters: ['default', new TallyReporter(tally)],
})
process.on('SIGUSR2', () => void vitest.cancelCurrentRun('keyboard-input'))
await vitest.start(positionals)
await vitest.exit()
