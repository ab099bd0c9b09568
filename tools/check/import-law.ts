// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs'
import path from 'node:path'
import { runToEnd } from '../run-to-end.ts'
import { sourceFiles } from './source-tree.ts'
import type { Step } from './step.ts'

const FOLDERS = [
  'protocol',
  'core',
  'drivers',
  'images',
  'server',
  'gateways',
  'sdk',
  'cli',
  'mcp',
  'acp',
  'console',
  'examples',
  'tests',
  'bench',
  'tools',
]

/** dependency-cruiser, and that it has read the tree: with a TypeScript it does not know it reads nothing and is content. */
export const importLaw: Step = {
  name: 'imports',
  about: 'the law of imports',
  run: async (root) => {
    const program = path.join(root, 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs')
    const folders = FOLDERS.filter((folder) => existsSync(path.join(root, folder)))
    const args = ['--config', '.dependency-cruiser.cjs', '--output-type', 'err-long', ...folders]
    const { exitCode, output } = await runToEnd(process.execPath, [program, ...args], { cwd: root })
    if (exitCode !== 0) return { ok: false, output }
    const cruised = Number(/\((\d+) modules/.exec(output)?.[1] ?? 0)
    const expected = sourceFiles(root, ['.ts', '.mjs']).filter((file) =>
      folders.includes(file.split(path.sep)[0] ?? ''),
    )
    if (cruised >= expected.length) return { ok: true, output }
    return { ok: false, output: `${output}\nread ${cruised} modules where there are ${expected.length} source files` }
  },
}
