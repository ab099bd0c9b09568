// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { root, runToEnd } from '../run-to-end.ts'
import type { Suite } from './suites.ts'
import { nothing, type Tally } from './tally.ts'

/** SIGTERM and SIGINT end vitest on the spot, with all that its suites have set up. */
const STOP_SIGNAL = 'SIGUSR2'

/** Runs one project of vitest; what it prints goes straight to the terminal. */
export async function runVitest(suite: Suite, filters: readonly string[], stop: AbortSignal): Promise<Tally> {
  const folder = mkdtempSync(path.join(tmpdir(), 'isola-tally-'))
  const file = path.join(folder, 'tally.json')
  try {
    const program = path.join(root, 'tools/test/vitest-child.ts')
    const options = [`--project=${suite.name}`, `--tally=${file}`, ...(suite.parallel ? [] : ['--serial'])]
    const args = ['--conditions=@isola/source', program, ...options, ...filters]
    const { exitCode } = await runToEnd(process.execPath, args, { show: true, stop, stopBy: STOP_SIGNAL })
    const tally: Tally = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : nothing
    // Whatever vitest holds against the run is a failure, even where no test carries it.
    return exitCode !== 0 && tally.failed === 0 ? { ...tally, failed: 1 } : tally
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
