// SPDX-License-Identifier: Apache-2.0
import { mkdir, mkdtemp, readdir, realpath, rename, rm, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import type { Operation, ResolvedTemplate, TemplateSource, TemplateTools } from '@isola/core'
import { IsolaError } from '@isola/protocol'
import { buildMask } from './host/build-mask.host.ts'
import { buildSkeleton } from './host/build-skeleton.host.ts'
import { hostFingerprint } from './host/fingerprint.host.ts'
import { type Bind, PINNED_NODE, pinnedNode } from './toolchains/pinned-node.ts'
import { searchPathInside } from './toolchains/search-path.ts'
import { toolchainPrefixes } from './toolchains/toolchain-prefixes.host.ts'

export interface TemplatesConfig {
  readonly stateDirectory: string
  /** The agent's executable; inside it is `sudo` as well. */
  readonly agentBinary: string
  /** PATH in here says which interpreters the caller has. */
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly homeDirectory?: string
}

/** How long a fingerprint is believed before the host is looked at again. */
const RECHECK_MS = 2_000

/** What of the host's interpreters a sandbox sees, and where it looks for programs. */
interface Shown {
  readonly binds: readonly Bind[]
  readonly searchPath: string
}

/** The templates of this host. Only `host` so far: the userland of the machine itself, with nothing to download. */
export function createTemplates(config: TemplatesConfig): TemplateSource {
  const directory = join(config.stateDirectory, 'templates')
  let found: Promise<Shown> | undefined
  let leftovers: readonly string[] = []
  let current: { checkedAtMs: number; fingerprint: string; template: Promise<ResolvedTemplate> } | undefined

  async function resolveHost(tools: TemplateTools, operation: Operation): Promise<ResolvedTemplate> {
    const now = performance.now()
    if (current !== undefined && now - current.checkedAtMs < RECHECK_MS) return current.template
    found ??= findShown(config, directory).catch((error: unknown) => {
      found = undefined
      throw error
    })
    const shown = await found
    const fingerprint = hostFingerprint(
      [tools.fileOwners, ...shown.binds.map(({ source, target }) => `${source} ${target}`)],
      [config.agentBinary],
    )
    if (current?.fingerprint !== fingerprint) {
      const built = build(directory, fingerprint, shown.binds, config.agentBinary, tools, operation)
      built.catch(() => {
        if (current?.fingerprint === fingerprint) current = undefined
      })
      current = { checkedAtMs: now, fingerprint, template: built.then((paths) => describe(paths, shown)) }
      void removeOthers(directory, leftovers, fingerprint)
      leftovers = []
    }
    current.checkedAtMs = now
    return current.template
  }

  return {
    async resolve(template, tools, operation) {
      if (template !== 'host') throw new IsolaError('template.not_found', `template \`${template}\` does not exist`)
      return resolveHost(tools, operation)
    },
    async removeUnused() {
      const existing = await existingTemplates(directory)
      // Which one is still good is known when the first template is resolved; after that one of them is in use.
      if (current === undefined) leftovers = existing
    },
  }
}

interface Paths {
  readonly skeleton: string
  readonly mask: string
}

function describe({ skeleton, mask }: Paths, { binds, searchPath }: Shown): ResolvedTemplate {
  return {
    rootfs: {
      root: { lowers: [skeleton] },
      usr: { lowers: [mask, '/usr'] },
      binds: binds.map(({ source, target }) => ({ source, target, readonly: true })),
    },
    // Differs from LANG=C.UTF-8 only in that programs open one locale file instead of twelve: 0.25 ms a command.
    env: { PATH: searchPath, LC_CTYPE: 'C.UTF-8' },
    workdir: '/home/user',
  }
}

async function findShown(config: TemplatesConfig, directory: string): Promise<Shown> {
  const env = config.env ?? process.env
  const homeDirectory = config.homeDirectory ?? homedir()
  // What npm puts in front of PATH belongs to a project, not to the machine.
  const directories = (env['PATH'] ?? '')
    .split(delimiter)
    .filter((entry) => entry.startsWith('/') && !entry.includes('/node_modules/'))
  const keepOut = [homeDirectory, '/root', '/home', config.stateDirectory]
  const prefixes = await toolchainPrefixes({
    directories,
    homeDirectory,
    env,
    keepOut,
    memoryFile: join(directory, 'toolchains.json'),
  })
  const binds = prefixes.map((prefix) => ({ source: prefix, target: prefix }))
  const places = ['/usr/bin', '/usr/local/bin', ...prefixes.map((prefix) => join(prefix, 'bin'))]
  const hasNode = (await Promise.all(places.map((place) => isFile(join(place, 'node'))))).includes(true)
  if (hasNode) return { binds, searchPath: searchPathInside(directories, prefixes, []) }
  const pinned = pinnedNode(process.execPath, await realPaths(keepOut))
  return { binds: [...binds, pinned], searchPath: searchPathInside(directories, prefixes, [PINNED_NODE]) }
}

/** Builds beside the final place and renames, so that a template is whole or absent; whoever comes second uses the first's. */
async function build(
  directory: string,
  fingerprint: string,
  binds: readonly Bind[],
  agentBinary: string,
  tools: TemplateTools,
  operation: Operation,
): Promise<Paths> {
  const final = join(directory, `host-${fingerprint}`)
  const paths = { skeleton: join(final, 'skeleton'), mask: join(final, 'usr-mask') }
  if (
    await stat(final).then(
      () => true,
      () => false,
    )
  )
    return paths
  operation.log('building the host template')
  await mkdir(directory, { recursive: true, mode: 0o700 })
  await removeUnfinished(directory)
  const draft = await mkdtemp(join(directory, '.draft-'))
  try {
    const [unreadable] = await Promise.all([
      tools.findUnreadable('/usr', operation),
      buildSkeleton(
        join(draft, 'skeleton'),
        binds.map(({ target, isFile }) => (isFile === true ? dirname(target) : target)),
        tools.fileOwners,
      ),
    ])
    await buildMask(join(draft, 'usr-mask'), unreadable, agentBinary, tools.fileOwners)
    await rename(draft, final).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST' && error.code !== 'ENOTEMPTY') throw error
    })
    return paths
  } catch (error) {
    throw IsolaError.is(error)
      ? error
      : new IsolaError('template.build_failed', `template \`host\` could not be built: ${(error as Error).message}`, {
          cause: error,
        })
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}

/** Drafts of a build that was killed; nobody else builds in the state directory of a running server. */
async function removeUnfinished(directory: string): Promise<void> {
  const names = await readdir(directory)
  await Promise.all(
    names
      .filter((name) => name.startsWith('.draft-'))
      .map((name) => rm(join(directory, name), { recursive: true, force: true })),
  )
}

const existingTemplates = (directory: string): Promise<string[]> =>
  readdir(directory).then(
    (names) => names.filter((name) => name.startsWith('host-')),
    () => [],
  )

/** Templates of earlier states of the host, which no living sandbox uses. What cannot be removed now is tried again at the next start. */
async function removeOthers(directory: string, leftovers: readonly string[], fingerprint: string): Promise<void> {
  const others = leftovers.filter((name) => name !== `host-${fingerprint}`)
  await Promise.allSettled(others.map((name) => rm(join(directory, name), { recursive: true, force: true })))
}

const realPaths = (paths: readonly string[]): Promise<string[]> =>
  Promise.all(paths.map((path) => realpath(path).catch(() => path)))

const isFile = (path: string): Promise<boolean> =>
  stat(path).then(
    (status) => status.isFile(),
    () => false,
  )
