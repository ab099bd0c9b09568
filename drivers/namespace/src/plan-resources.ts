// SPDX-License-Identifier: Apache-2.0
import { IsolaError, type NamespaceCapabilities, type ProbeCheck, type Resources } from '@isola/protocol'

/** What is known of the host when limits are planned. */
export interface HostLimits {
  readonly capabilities: NamespaceCapabilities
  readonly checks: readonly ProbeCheck[]
  /** No process here may have more; undefined when that is not known. */
  readonly openFilesMax: number | undefined
  /** Held where the caller says nothing and the host can. */
  readonly shares: Pick<Resources, 'memoryMib' | 'diskMib'>
}

const LEAST_SHARE_MIB = 256

/**
 * What one sandbox may take at most unless it asks for more: half of the memory and a quarter of the
 * free disk, so that no single one takes the host with it. Rounded, so that a blank made a minute ago
 * has the same limits.
 */
export function sharesOf(memoryMib: number, diskMib: number): HostLimits['shares'] {
  const share = (mib: number): number => Math.max(LEAST_SHARE_MIB, mib - (mib % LEAST_SHARE_MIB))
  return { memoryMib: share(Math.floor(memoryMib / 2)), diskMib: share(Math.floor(diskMib / 4)) }
}

/** Which check of the probe tells why a limit cannot hold. */
const LIMITS = [
  { resource: 'memoryMib', capability: 'memory', check: 'cgroup-memory', words: 'memory limit' },
  { resource: 'cpus', capability: 'cpu', check: 'cgroup-cpu', words: 'cpu limit' },
  { resource: 'pids', capability: 'pids', check: 'cgroup-pids', words: 'process limit' },
  { resource: 'diskMib', capability: 'disk', check: 'disk-quota', words: 'disk limit' },
] as const

/**
 * All that is asked for, and of the defaults those that hold here.
 * @throws limit.unenforceable for what is asked for and would not hold.
 */
export function planResources(asked: Resources, defaults: Resources, host: HostLimits): Resources {
  const planned: Resources = { ...asked }
  const presets: Resources = { ...host.shares, ...defaults }
  for (const { resource, capability, check, words } of LIMITS) {
    const isHeld = binds(capability, host.capabilities)
    if (asked[resource] !== undefined && !isHeld) throw unenforceable(resource, asked[resource], words, check, host)
    if (planned[resource] === undefined && isHeld && presets[resource] !== undefined)
      planned[resource] = presets[resource]
  }
  const openFiles = planOpenFiles(asked.openFiles, defaults.openFiles, host.openFilesMax)
  if (openFiles !== undefined) planned.openFiles = openFiles
  return planned
}

/**
 * A limit that counts per user id binds a sandbox that has one id alone: root inside may become thousands of users.
 * Core still sets the default one there, which ends a runaway program of `user`.
 */
function binds(capability: keyof NamespaceCapabilities['limits'], capabilities: NamespaceCapabilities): boolean {
  const { limits, userns } = capabilities
  if (capability === 'pids' && limits.pids === 'rlimit') return userns !== 'range'
  return limits[capability] !== 'none'
}

function planOpenFiles(
  asked: number | undefined,
  preset: number | undefined,
  max: number | undefined,
): number | undefined {
  if (asked === undefined) return preset === undefined ? undefined : Math.min(preset, max ?? preset)
  if (max !== undefined && asked > max) {
    throw new IsolaError('limit.unenforceable', `${asked} open files: processes on this host may have at most ${max}`, {
      hint: `ask for at most ${max}, or raise the hard limit (ulimit -Hn) of the server`,
      context: { limit: 'openFiles', value: asked, max },
    })
  }
  return asked
}

function unenforceable(
  resource: string,
  value: number,
  words: string,
  checkId: string,
  { checks, capabilities }: HostLimits,
): IsolaError {
  const check = checks.find(({ id, ok }) => id === checkId && !ok)
  const perUser = resource === 'pids' && capabilities.limits.pids === 'rlimit'
  const reason = [
    check === undefined ? 'this host has no way to hold it' : check.detail,
    ...(perUser ? ['a limit per user id does not bind root inside, which may become other users'] : []),
  ].join('; ')
  return new IsolaError('limit.unenforceable', `a ${words} cannot be enforced here: ${reason}`, {
    ...(check?.hint ? { hint: check.hint } : {}),
    context: { limit: resource, value, check: checkId },
  })
}
