// SPDX-License-Identifier: Apache-2.0
import type { BlankSpec, FileOwners, ResolvedTemplate } from '@isola/core'
import type { LauncherLimits, LauncherRequest, NamespaceCapabilities, Resources } from '@isola/protocol'

const MIB = 1024 * 1024

/** What the launcher is asked to make, from what was asked of us. */
export function prepareRequest(spec: BlankSpec, template: ResolvedTemplate): LauncherRequest<'prepare'> {
  return {
    sandboxId: spec.sandboxId,
    keyHex: spec.keyHex,
    rootfs: { ...template.rootfs, volatile: spec.volatile },
    limits: launcherLimits(spec.resources),
  }
}

/** Root's launcher maps the ids of files; else only the caller's own id, in the place that it has inside, is one. */
export function fileOwners({ rootless, userns }: Pick<NamespaceCapabilities, 'rootless' | 'userns'>): FileOwners {
  if (!rootless) return 'as-on-disk'
  return userns === 'range' ? 'root' : 'user'
}

/** The limits that are held from outside; open files are held by the agent. */
export function launcherLimits(resources: Resources): LauncherLimits {
  const { memoryMib, cpus, pids, diskMib } = resources
  return {
    ...(memoryMib === undefined ? {} : { memoryBytes: memoryMib * MIB }),
    ...(cpus === undefined ? {} : { cpuMillis: Math.max(1, Math.round(cpus * 1000)) }),
    ...(pids === undefined ? {} : { pids }),
    ...(diskMib === undefined ? {} : { diskBytes: diskMib * MIB }),
  }
}

/** Which limits must be set anew on a blank that was made with `before`; undefined when none. */
export function changedLimits(before: LauncherLimits, now: LauncherLimits): LauncherLimits | undefined {
  const keys = ['memoryBytes', 'cpuMillis', 'pids', 'diskBytes'] as const
  return keys.some((key) => now[key] !== undefined && now[key] !== before[key]) ? now : undefined
}
