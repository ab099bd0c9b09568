// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { root, runToEnd } from '../run-to-end.ts'
import type { Suite } from './suites.ts'
import { nothing, type Tally } from './tally.ts'
import { TALLY_FILE } from './tally-reporter.ts'

/** Runs one project of vitest; what it prints goes straight to the terminal. */
export async function runVitest(suite: Suite, filters: readonly string[]): Promise<Tally> {
  const folder = mkdtempSync(path.join(tmpdir(), 'isola-tally-'))
  const file = path.join(folder, 'tally.json')
  try {
    const end = await runToEnd(process.execPath, argumentsFor(suite, filters), {
      show: true,
      limitMs: suite.limitMs,
      env: { [TALLY_FILE]: file },
    })
    const tally: Tally = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : nothing
    if (end.timedOut) console.error(`${suite.name}: stopped after ${suite.limitMs / 60_000} minutes`)
    // Whatever vitest holds against the run is a failure, even where no test carries it.
    return end.exitCode !== 0 && tally.failed === 0 ? { ...tally, failed: 1 } : tally
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function argumentsFor(suite: Suite, filters: readonly string[]): string[] {
  return [
    '--conditions=@isola/source',
    path.join(root, 'node_modules/vitest/vitest.mjs'),
    'run',
    ...filters,
    '--project',
    suite.name,
    '--configLoader=native',
    '--no-cache',
    suite.parallel ? '--file-parallelism' : '--no-file-parallelism',
    '--reporter=default',
    `--reporter=${path.join(root, 'tools/test/tally-reporter.ts')}`,
  ]
}
