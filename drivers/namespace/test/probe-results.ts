// SPDX-License-Identifier: Apache-2.0
import type { NamespaceCapabilities, ProbeCheck, ProbeResult } from '@isola/protocol'

/** A host where everything can be enforced. */
export const STRONG: NamespaceCapabilities = {
  userns: 'range',
  cgroup: 'v1',
  limits: { memory: 'cgroup', cpu: 'cgroup', pids: 'cgroup', disk: 'quota', openFiles: 'rlimit' },
  layer: 'cow',
  freeze: 'v1',
  idmap: true,
  netns: true,
  egress: true,
  overlay: true,
  seccomp: true,
  landlockAbi: 7,
  rootless: false,
}

/** An ordinary user without delegated cgroups. */
export const ROOTLESS: NamespaceCapabilities = {
  ...STRONG,
  userns: 'single',
  cgroup: 'none',
  limits: { memory: 'none', cpu: 'none', pids: 'rlimit', disk: 'none', openFiles: 'rlimit' },
  layer: 'copy',
  freeze: 'none',
  idmap: false,
  rootless: true,
}

const ESSENTIAL = [
  'user-namespace',
  'mount-namespace',
  'proc-mount',
  'overlay',
  'network-namespace',
  'seccomp',
  'memfd-exec',
  'pidfd',
]

export function probeResult(capabilities: NamespaceCapabilities, failed: readonly ProbeCheck[] = []): ProbeResult {
  const failedIds = new Set(failed.map(({ id }) => id))
  const passed = ESSENTIAL.filter((id) => !failedIds.has(id)).map((id) => ({ id, ok: true, detail: 'works' }))
  return { checks: [...passed, ...failed], capabilities }
}
