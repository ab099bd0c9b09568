// SPDX-License-Identifier: Apache-2.0
import path from 'node:path'
import { runToEnd } from '../run-to-end.ts'

/** One tool of `npm run check`. It works on any copy of the tree, so that planted violations can prove it. */
export interface Step {
  readonly name: string
  /** What it holds, in a few words. */
  readonly about: string
  run(root: string): Promise<StepEnd>
}

export interface StepEnd {
  readonly ok: boolean
  /** Shown when the step failed. */
  readonly output: string
}

/** A step that is one command of an installed npm package, run with this very Node. */
export function nodeTool(name: string, about: string, script: string, args: readonly string[]): Step {
  return {
    name,
    about,
    run: async (root) => {
      const program = path.join(root, 'node_modules', script)
      const { exitCode, output } = await runToEnd(process.execPath, [program, ...args], { cwd: root })
      return { ok: exitCode === 0, output }
    },
  }
}

/** A step that found problems by itself: fine when there are none. */
export function problemsEnd(problems: readonly string[]): StepEnd {
  return { ok: problems.length === 0, output: problems.join('\n') }
}
