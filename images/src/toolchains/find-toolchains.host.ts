// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process'
import { realpath } from 'node:fs/promises'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import type { LocatedLanguage } from './locate-languages.host.ts'
import { mayShow } from './safe-prefix.ts'

const run = promisify(execFile)
const ANSWER_TIMEOUT_MS = 5_000

/**
 * The directories that the interpreters outside /usr live in, asked of the interpreters themselves,
 * since what is on PATH is often a shim. Costs up to half a second: see `toolchainPrefixes`.
 *
 * Safety: runs programs that the operator's own PATH names, with the operator's own rights, before
 * any sandbox exists; what they answer is only used when `mayShow` allows it.
 */
export async function findToolchains(
  located: readonly LocatedLanguage[],
  keepOut: readonly string[],
): Promise<string[]> {
  const kept = await Promise.all(keepOut.map((directory) => realpath(directory).catch(() => directory)))
  const found = await Promise.all(located.map(prefixesOf))
  return [...new Set(found.flat().filter((prefix) => mayShow(prefix, kept)))]
}

async function prefixesOf({ language, program }: LocatedLanguage): Promise<string[]> {
  const asked = run(program, [...language.askPrefixes], { timeout: ANSWER_TIMEOUT_MS, cwd: '/' })
  const answer = await asked.catch(() => undefined)
  const lines = answer?.stdout.split('\n').filter((line) => line.startsWith('/')) ?? []
  const prefixes = lines.map((line) => (language.prefixOf === 'answer' ? line : dirname(dirname(line))))
  const real = await Promise.all([...new Set(prefixes)].map((prefix) => realpath(prefix).catch(() => undefined)))
  return real.filter((prefix) => prefix !== undefined)
}
