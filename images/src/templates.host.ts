// SPDX-License-Identifier: Apache-2.0
import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Operation, type ResolvedTemplate, type TemplateSource, type TemplateTools } from '@isola/core'
import { IsolaError } from '@isola/protocol'
import { buildMask } from './host/build-mask.host.ts'
import { buildSkeleton } from './host/build-skeleton.host.ts'
import { hostFingerprint } from './host/fingerprint.host.ts'
import type { Bind } from './toolchains/pinned-node.ts'
import { findShown, keepShown, type Shown, type ShownConfig } from './toolchains/shown.host.ts'

export interface TemplatesConfig extends ShownConfig {
  /** The agent's executable; inside it is `sudo` as well. */
  readonly agentBinary: string
}

/** How long a fingerprint is believed before the host is looked at again. */
const RECHECK_MS = 2_000
/** For a walk over /usr on a cold disk; how long a caller waits for it is the caller's business. */
const BUILD_TIMEOUT_MS = 300_000

interface Current {
  checkedAtMs: number
  shown: Shown
  readonly fingerprint: string
  readonly template: Promise<ResolvedTemplate>
}

/** The templates of this host. Only `host` so far: the userland of the machine itself, with nothing to download. */
export function createTemplates(config: TemplatesConfig): TemplateSource {
  const directory = join(config.stateDirectory, 'templates')
  const findFresh = keepShown(() => findShown(config, join(directory, 'toolchains.json')))
  let leftovers: readonly string[] = []
  let current: Current | undefined

  async function resolveHost(tools: TemplateTools): Promise<ResolvedTemplate> {
    const shown = await findFresh()
    const now = performance.now()
    if (current?.shown === shown && now - current.checkedAtMs < RECHECK_MS) return current.template
    const fingerprint = hostFingerprint(
      [tools.fileOwners, ...shown.binds.map(({ source, target }) => `${source} ${target}`)],
      [config.agentBinary],
    )
    if (current?.fingerprint !== fingerprint) {
      const built = build(directory, fingerprint, shown.binds, config.agentBinary, tools)
      built.catch(() => {
        if (current?.fingerprint === fingerprint) current = undefined
      })
      const template = built.then((paths) => describe(paths, shown, fingerprint))
      current = { checkedAtMs: now, shown, fingerprint, template }
      void removeOthers(directory, leftovers, fingerprint)
      leftovers = []
    }
    current.checkedAtMs = now
    current.shown = shown
    return current.template
  }

  return {
    async resolve(template, tools, operation) {
      if (template !== 'host') throw new IsolaError('template.not_found', `template \`${template}\` does not exist`)
      operation.log('asked for the host template')
      return operation.race(resolveHost(tools))
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

function describe({ skeleton, mask }: Paths, { binds, searchPath }: Shown, fingerprint: string): ResolvedTemplate {
  return {
    fingerprint,
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

/**
 * Builds beside the final place and renames, so that a template is whole or absent; whoever comes second uses
 * the first's. It is everybody's, so it ends with no single request.
 */
async function build(
  directory: string,
  fingerprint: string,
  binds: readonly Bind[],
  agentBinary: string,
  tools: TemplateTools,
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
  await mkdir(directory, { recursive: true, mode: 0o700 })
  await removeUnfinished(directory)
  const draft = await mkdtemp(join(directory, '.draft-'))
  try {
    const skeleton = buildSkeleton(
      join(draft, 'skeleton'),
      binds.map(({ target, isFile }) => (isFile === true ? dirname(target) : target)),
      tools.fileOwners,
    )
    const operation = new Operation('build the host template', { timeoutMs: BUILD_TIMEOUT_MS })
    const walk = tools.findUnreadable('/usr', operation)
    // Both have ended before the draft is removed: one that still writes would hold up the removal.
    await Promise.allSettled([skeleton, walk])
    await skeleton
    await buildMask(join(draft, 'usr-mask'), await walk, agentBinary, tools.fileOwners)
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
