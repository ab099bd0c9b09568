// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { root } from '../../tools/run-to-end.ts'

const SOURCES = path.join(root, 'bench/limit')
const PROGRAM = path.join(root, 'node_modules/.cache/isola-bench/limit')
// Paths are short here, and a cut one fails at its first use.
const FLAGS = ['-O2', '-static', '-Wall', '-Wextra', '-Werror', '-Wno-format-truncation']

/** Compiles the limit program unless it is newer than its sources. @throws the compiler's words */
export function buildLimit(): string {
  const sources = readdirSync(SOURCES).map((name) => path.join(SOURCES, name))
  const builtMs = statSync(PROGRAM, { throwIfNoEntry: false })?.mtimeMs ?? 0
  if (sources.every((source) => statSync(source).mtimeMs < builtMs)) return PROGRAM
  mkdirSync(path.dirname(PROGRAM), { recursive: true })
  const units = sources.filter((source) => source.endsWith('.c'))
  const { error, status, stderr } = spawnSync('cc', [...FLAGS, '-o', PROGRAM, ...units], { encoding: 'utf8' })
  if (error !== undefined || status !== 0) throw new Error(`compile bench/limit: ${error?.message ?? stderr.trim()}`)
  return PROGRAM
}
