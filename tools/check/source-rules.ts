// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { sourceFiles } from './source-tree.ts'
import { problemsEnd, type Step } from './step.ts'

const ENDINGS = ['.ts', '.mjs', '.cjs', '.js', '.rs', '.py', '.sh']
const LICENCE = 'SPDX-License-Identifier: Apache-2.0'
const LINES_MOST = 400
const SHIM = 'cli/bin/isola.js'
const SHIMS = [SHIM, 'server/bin/isolad.js']
const ZOD_BY_NAME = /^import (?:\{[^}]*\bz\b[^}]*\}|z) from 'zod'/m
const UNSAFE_RUST = /^(?!\s*\/\/).*\bunsafe\s*(?:\{|fn\b|impl\b|extern\b)/m

/** Rules about source files that no linter knows. */
export const sourceRules: Step = {
  name: 'source',
  about: `licence line, at most ${LINES_MOST} lines, house rules`,
  run: async (root) => {
    const read = (file: string): string => readFileSync(path.join(root, file), 'utf8')
    const problems = sourceFiles(root, ENDINGS).flatMap((file) => problemsOf(file, read(file)))
    const strays = SHIMS.filter((file) => read(file) !== read(SHIM)).map((file) => `${file}: differs from ${SHIM}`)
    return problemsEnd([...problems, ...strays])
  },
}

function problemsOf(file: string, text: string): string[] {
  const lines = text.split('\n').length - 1
  return [
    !text.split('\n', 2).join('\n').includes(LICENCE) && `${file}: no licence line on top (hint: // ${LICENCE})`,
    lines > LINES_MOST && `${file}: ${lines} lines (hint: split it by what its parts do)`,
    ZOD_BY_NAME.test(text) && `${file}: zod by name (hint: import * as z from 'zod' bundles a fifth)`,
    isRustOutsideSys(file) && UNSAFE_RUST.test(text) && `${file}: unsafe outside a sys module`,
  ].filter((problem) => problem !== false)
}

function isRustOutsideSys(file: string): boolean {
  const excused = ['sys', 'sys.rs', 'tests']
  return file.endsWith('.rs') && !file.split(path.sep).some((part) => excused.includes(part))
}
