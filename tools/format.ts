// SPDX-License-Identifier: Apache-2.0
// npm run format: Biome and rustfmt over the tree.
import path from 'node:path'
import { root, runToEnd } from './run-to-end.ts'

const biome = path.join(root, 'node_modules/@biomejs/biome/bin/biome')
const ends = [
  await runToEnd(process.execPath, [biome, 'format', '--write'], { show: true }),
  await runToEnd('cargo', ['fmt', '--all'], { cwd: path.join(root, 'guest'), show: true }),
]
process.exitCode = ends.every(({ exitCode }) => exitCode === 0) ? 0 : 1
