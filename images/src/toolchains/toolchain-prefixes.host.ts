// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'
import { statSync } from 'node:fs'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { findToolchains } from './find-toolchains.host.ts'
import { type LocatedLanguage, locateLanguages } from './locate-languages.host.ts'

/** What version managers read to decide which interpreter is meant; relative to the home. */
const VERSION_FILES = [
  '.pyenv/version',
  '.tool-versions',
  '.config/mise/config.toml',
  '.rustup/settings.toml',
  '.nvm/alias/default',
  '.volta/tools/user/platform.json',
]
const VERSION_VARIABLES = [
  'PYENV_VERSION',
  'PYENV_ROOT',
  'RUSTUP_TOOLCHAIN',
  'GOROOT',
  'VIRTUAL_ENV',
  'ASDF_DATA_DIR',
  'MISE_DATA_DIR',
]

export interface ToolchainQuery {
  /** Directories of the caller's PATH, absolute. */
  readonly directories: readonly string[]
  readonly homeDirectory: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** Directories that must not become visible, nor anything that contains them. */
  readonly keepOut: readonly string[]
  /** Where the last answer is kept. */
  readonly memoryFile: string
}

/**
 * The directories that the caller's interpreters need, from memory while nothing changed that could
 * change them: PATH, the programs found on it, and the files and variables of version managers.
 */
export async function toolchainPrefixes(query: ToolchainQuery): Promise<readonly string[]> {
  const located = await locateLanguages(query.directories)
  if (located.length === 0) return []
  const key = keyOf(query, located)
  const remembered = await recall(query.memoryFile, key)
  if (remembered !== undefined) return remembered
  const prefixes = await findToolchains(located, query.keepOut)
  // A memory is a saving, not a need: on a full disk it is asked again.
  await remember(query.memoryFile, key, prefixes).catch(() => {})
  return prefixes
}

function keyOf(query: ToolchainQuery, located: readonly LocatedLanguage[]): string {
  const files = [
    ...located.map(({ program }) => program),
    ...VERSION_FILES.map((name) => join(query.homeDirectory, name)),
  ]
  const facts = {
    directories: query.directories,
    keepOut: query.keepOut,
    variables: VERSION_VARIABLES.map((name) => query.env[name] ?? null),
    files: files.map((path) => [path, stamp(path)]),
  }
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex')
}

function stamp(path: string): string | null {
  const status = statSync(path, { throwIfNoEntry: false, bigint: true })
  return status === undefined ? null : `${status.ino} ${status.size} ${status.mtimeNs}`
}

/** A memory that cannot be read, or speaks of a directory that is gone, is no memory. */
async function recall(file: string, key: string): Promise<string[] | undefined> {
  try {
    const memory: unknown = JSON.parse(await readFile(file, 'utf8'))
    if (typeof memory !== 'object' || memory === null || !('key' in memory) || memory.key !== key) return undefined
    const prefixes = 'prefixes' in memory && Array.isArray(memory.prefixes) ? memory.prefixes : undefined
    const isSound = prefixes?.every(
      (prefix) => typeof prefix === 'string' && statSync(prefix, { throwIfNoEntry: false })?.isDirectory(),
    )
    return isSound ? prefixes : undefined
  } catch {
    return undefined
  }
}

async function remember(file: string, key: string, prefixes: readonly string[]): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const draft = `${file}.${process.pid}`
  await writeFile(draft, JSON.stringify({ key, prefixes }), { mode: 0o600 })
  await rename(draft, file)
}
