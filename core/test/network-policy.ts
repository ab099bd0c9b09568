// SPDX-License-Identifier: Apache-2.0
import { NetworkPolicy, type NetworkRule } from '@isola/protocol'
import { type Address, parseAddress } from '../src/network/address.ts'
import type { ConnectionFacts } from '../src/network/decide-connection.ts'
import type { PresetHosts } from '../src/network/preset-hosts.ts'

/** `allow *.example.com 443`, `deny 10.0.0.0/8`, `allow public-internet`, `deny` */
function rule(text: string): NetworkRule {
  const [action, place, ...ports] = text.split(' ') as ['allow' | 'deny', string | undefined, ...string[]]
  const limited = ports.length === 0 ? {} : { ports }
  return { action, ...placeOf(place), ...limited }
}

export function policyOf(rules: readonly string[], fallback: 'allow' | 'deny' = 'deny'): NetworkPolicy {
  return NetworkPolicy.parse({ rules: rules.map(rule), default: fallback })
}

export function address(text: string): Address {
  const parsed = parseAddress(text)
  if (parsed === undefined) throw new Error(`${text} is no address`)
  return parsed
}

export const REGISTRIES: PresetHosts = new Map([
  [
    'package-registries',
    [
      { host: 'npm.example.org', port: 443 },
      { host: 'pypi.example.org.', port: 443 },
      { host: 'mirror.example.net', port: 8081 },
      { host: '10.0.0.5', port: 4873 },
    ],
  ],
])

export function factsOf(facts: Partial<ConnectionFacts> = {}): ConnectionFacts {
  return { pinnedNames: [], firstBytes: 'none', hostAddresses: new Set(), presetHosts: REGISTRIES, ...facts }
}

function placeOf(place: string | undefined): Partial<NetworkRule> {
  if (place === undefined || place === 'any') return {}
  if (place === 'public-internet' || place === 'package-registries') return { preset: place }
  return place.includes('/') || parseAddress(place) !== undefined ? { cidr: place } : { domain: place }
}
