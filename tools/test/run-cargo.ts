// SPDX-License-Identifier: Apache-2.0
import { accessSync, constants, existsSync } from 'node:fs'
import path from 'node:path'
import { root, runToEnd } from '../run-to-end.ts'
import { tallyOf } from './cargo-output.ts'
import type { Suite } from './suites.ts'
import { nothing, type Tally } from './tally.ts'

/** Runs the tests of the Rust workspace, showing what they print only when one fails. */
export async function runCargo(suite: Suite, filters: readonly string[], stop: AbortSignal): Promise<Tally> {
  const obstacle = await whyNot()
  if (obstacle) return { ...nothing, skipped: [{ test: 'guest: cargo test', reason: obstacle }] }
  const end = await runToEnd('cargo', ['test', '--workspace', '--locked', '--no-fail-fast', ...filters], {
    cwd: path.join(root, 'guest'),
    env: {
      CARGO_TARGET_DIR: path.join(root, 'guest/target'),
      // A hundred times as many inputs for the fuzz tests.
      ...(suite.name === 'guest-long' ? { ISOLA_LONG: '1' } : {}),
    },
    stop,
  })
  const tally = tallyOf(end.output, end.exitCode)
  if (tally.failed > 0) console.log(end.output)
  else console.log(` ✓ ${suite.name}: ${tally.passed} tests of the Rust workspace`)
  return tally
}

async function whyNot(): Promise<string | null> {
  const cargo = await runToEnd('cargo', ['--version'], {})
  if (cargo.exitCode !== 0) return 'cargo is not usable for this user (the built binaries are used as they are)'
  const target = path.join(root, 'guest/target')
  try {
    accessSync(existsSync(target) ? target : path.dirname(target), constants.W_OK)
    return null
  } catch {
    return `${target} belongs to another user`
  }
}
