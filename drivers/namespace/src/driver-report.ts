// SPDX-License-Identifier: Apache-2.0
import type { DriverReport } from '@isola/core'
import type { NamespaceCapabilities, ProbeResult } from '@isola/protocol'

/** Without these there is no isolation; everything else only bounds or speeds it. */
const ESSENTIAL = [
  'user-namespace',
  'mount-namespace',
  'proc-mount',
  'overlay',
  'network-namespace',
  'seccomp',
  'memfd-exec',
  'pidfd',
] as const

/** The launcher's findings as the verdict on this driver. */
export function driverReport(probe: ProbeResult): DriverReport {
  const missing = probe.checks.filter(({ id, ok }) => !ok && (ESSENTIAL as readonly string[]).includes(id))
  const rest = probe.checks.filter((check) => !missing.includes(check))
  return {
    available: missing.length === 0 && probe.capabilities.userns !== 'none',
    isolation: isolationText(probe.capabilities),
    checks: [...missing, ...rest],
    capabilities: probe.capabilities,
  }
}

/** The verdict when not even the launcher could be asked. */
export function unavailableReport(id: string, detail: string, hint: string): DriverReport {
  return {
    available: false,
    isolation: 'namespace (unavailable)',
    checks: [{ id, ok: false, detail, hint }],
    capabilities: null,
  }
}

function isolationText({ rootless, cgroup, userns, layer }: NamespaceCapabilities): string {
  const parts = [
    rootless ? 'rootless' : 'root',
    cgroup === 'none' ? 'no cgroup' : `cgroup ${cgroup}`,
    `users ${userns}`,
    `layer ${layer}`,
  ]
  return `namespace (${parts.join(', ')})`
}
