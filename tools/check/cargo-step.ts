// SPDX-License-Identifier: Apache-2.0
import path from 'node:path'
import { runToEnd, root as checkout } from '../run-to-end.ts'
import type { Step } from './step.ts'

const NOT_FOUND = 127

/** A step that is one command of cargo. Copies of the tree share the built crates of the checkout. */
export function cargoStep(name: string, about: string, args: readonly string[]): Step {
  return {
    name,
    about,
    run: async (root) => {
      const { exitCode, output } = await runToEnd('cargo', args, {
        cwd: path.join(root, 'guest'),
        env: { CARGO_TARGET_DIR: path.join(checkout, 'guest/target') },
      })
      const hint = exitCode === NOT_FOUND ? ' (hint: install Rust with rustup, and have cargo on PATH)' : ''
      return { ok: exitCode === 0, output: `${output}${hint}` }
    },
  }
}
