// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs'
import { realpath, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { type Bind, PINNED_NODE, pinnedNode } from './pinned-node.ts'
import { searchPathInside } from './search-path.ts'
import { toolchainPrefixes } from './toolchain-prefixes.host.ts'

/** What of the host's interpreters a sandbox sees, and where it looks for programs. */
export interface Shown {
  readonly binds: readonly Bind[]
  readonly searchPath: string
}

export interface ShownConfig {
  readonly stateDirectory: string
  /** PATH in here says which interpreters the caller has. */
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly homeDirectory?: string
}

/** Looks once and keeps the answer, until something of it is gone: a virtual environment is removed at any time. */
export function keepShown(find: () => Promise<Shown>): () => Promise<Shown> {
  let kept: Promise<Shown> | undefined
  const look = (): Promise<Shown> => {
    const looking = find()
    looking.catch(() => {
      if (kept === looking) kept = undefined
    })
    return looking
  }
  return async () => {
    const before = (kept ??= look())
    const shown = await before
    if (shown.binds.every(({ source }) => existsSync(source))) return shown
    // Of several callers that notice, one looks.
    if (kept === before) kept = look()
    return kept ?? shown
  }
}

export async function findShown(config: ShownConfig, memoryFile: string): Promise<Shown> {
  const env = config.env ?? process.env
  const homeDirectory = config.homeDirectory ?? homedir()
  // What npm puts in front of PATH belongs to a project, not to the machine.
  const directories = (env['PATH'] ?? '')
    .split(delimiter)
    .filter((entry) => entry.startsWith('/') && !entry.includes('/node_modules/'))
  const keepOut = [homeDirectory, '/root', '/home', config.stateDirectory]
  const prefixes = await toolchainPrefixes({ directories, homeDirectory, env, keepOut, memoryFile })
  const binds = prefixes.map((prefix) => ({ source: prefix, target: prefix }))
  const places = ['/usr/bin', '/usr/local/bin', ...prefixes.map((prefix) => join(prefix, 'bin'))]
  const hasNode = (await Promise.all(places.map((place) => isFile(join(place, 'node'))))).includes(true)
  if (hasNode) return { binds, searchPath: searchPathInside(directories, prefixes, []) }
  const pinned = pinnedNode(process.execPath, await realPaths(keepOut))
  return { binds: [...binds, pinned], searchPath: searchPathInside(directories, prefixes, [PINNED_NODE]) }
}

const realPaths = (paths: readonly string[]): Promise<string[]> =>
  Promise.all(paths.map((path) => realpath(path).catch(() => path)))

const isFile = (path: string): Promise<boolean> =>
  stat(path).then(
    (status) => status.isFile(),
    () => false,
  )
