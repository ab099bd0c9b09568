// SPDX-License-Identifier: Apache-2.0
import path from 'node:path'
import { runToEnd } from '../run-to-end.ts'
import type { Step } from './step.ts'

const SCRIPT = 'protocol/tools/pins.ts'

/** Generated files equal what their sources generate. */
export const pins: Step = {
  name: 'pins',
  about: 'generated files equal what their sources say',
  run: async (root) => {
    const args = ['--conditions=@isola/source', path.join(root, SCRIPT), '--check']
    const { exitCode, output } = await runToEnd(process.execPath, args, { cwd: root })
    return { ok: exitCode === 0, output }
  },
}
