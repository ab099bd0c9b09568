// SPDX-License-Identifier: Apache-2.0
import { existsSync, realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const PROGRAM = join('@isola', 'server', 'bin', 'isolad.js')

/**
 * The server's program as it is installed beside this package or beside the program that runs.
 * The working directory is not asked: what lies there may belong to somebody else.
 */
export function findServerProgram(): string | undefined {
  for (const base of [import.meta.filename, runningProgram()]) {
    if (base === undefined) continue
    for (const folder of createRequire(base).resolve.paths('@isola/server') ?? []) {
      const program = join(folder, PROGRAM)
      if (existsSync(program)) return program
    }
  }
  return undefined
}

function runningProgram(): string | undefined {
  const program = process.argv[1]
  if (program === undefined) return undefined
  try {
    return realpathSync(program)
  } catch {
    return undefined
  }
}
