// SPDX-License-Identifier: Apache-2.0
import { IsolaError, type NamespaceCapabilities, type ProbeCheck, type Resources } from '@isola/protocol'

/** What is known of the host when limits are planned. */
export interface HostLimits {
  readonly capabilities: NamespaceCapabilities
  readonly checks: readonly ProbeCheck[]
  /** No process here may have more; undefined when that is not known. */
  readonly openFilesMax: number | undefined
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
  for (const { resource, capability, check, words } of LIMITS) {
    const isHeld = host.capabilities.limits[capability] !== 'none'
    if (asked[resource] !== undefined && !isHeld)
      throw unenforceable(resource, asked[resource], words, check, host.checks)
    if (planned[resource] === undefined && isHeld && defaults[resource] !== undefined)
      planned[resource] = defaults[resource]
  }
  const openFiles = planOpenFiles(asked.openFiles, defaults.openFiles, host.openFilesMax)
  if (openFiles !== undefined) planned.openFiles = openFiles
  return planned
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
  checks: readonly ProbeCheck[],
): IsolaError {
  const check = checks.find(({ id, ok }) => id === checkId && !ok)
  const reason = check === undefined ? 'this host has no way to hold it' : check.detail
  return new IsolaError('limit.unenforceable', `a ${words} cannot be enforced here: ${reason}`, {
    ...(check?.hint ? { hint: check.hint } : {}),
    context: { limit: resource, value, check: checkId },
  })
}
