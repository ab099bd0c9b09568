// SPDX-License-Identifier: Apache-2.0
import type { NetworkPreset } from '@isola/protocol'
import { normalizeName } from './domain-pattern.ts'

export interface PresetHost {
  readonly host: string
  readonly port: number
}

/** What a preset that stands for a list of hosts means on this machine; the caller found it out. */
export type PresetHosts = ReadonlyMap<NetworkPreset, readonly PresetHost[]>

/** The names that a preset lists, as `normalizeName` writes them; with a port only those for it. */
export function presetNames(hosts: PresetHosts, preset: NetworkPreset, port?: number): ReadonlySet<string | undefined> {
  const listed = (hosts.get(preset) ?? []).filter((entry) => port === undefined || entry.port === port)
  return new Set(listed.map(({ host }) => normalizeName(host)))
}
