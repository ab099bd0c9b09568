// SPDX-License-Identifier: Apache-2.0
import {
  type Address,
  addressClass,
  cidrContains,
  type FirstBytes,
  NamePins,
  normalizeName,
  type PresetHosts,
  parseCidr,
} from '@isola/core'
import type { Network, NetworkPolicy, NetworkPreset } from '@isola/protocol'

/** One connection that the relay holds. */
export interface HeldConnection {
  readonly address: Address
  readonly port: number
  /** The host that it was decided by, as far as there was one; of HTTP that of the last request. */
  host: string | null
  /** What it was judged by. */
  firstBytes: FirstBytes
  /** It was let through without having said anything, and is judged again when it does. */
  isGuarded: boolean
  protocol: 'tls' | 'http' | 'tcp' | 'dns'
  isAllowed: boolean
}

/** Nothing may leave, whatever is asked. */
export const NO_POLICY: NetworkPolicy = { rules: [], default: 'deny', maxConnections: 256 }

export function policyOf(network: Network): NetworkPolicy {
  return network === 'none' ? NO_POLICY : network
}

/** What the server knows of one sandbox's network. */
export class SandboxNetwork {
  readonly sandboxId: string
  policy: NetworkPolicy
  readonly pins = new NamePins()
  readonly connections = new Map<number, HeldConnection>()

  constructor(sandboxId: string, policy: NetworkPolicy) {
    this.sandboxId = sandboxId
    this.policy = policy
  }

  /**
   * Whether a name may be answered with this address: a private one only where a rule names it by number, or where
   * it is the mirror that the operator's own settings name.
   */
  mayAnswer(name: string, address: Address, presetHosts: PresetHosts): boolean {
    const kind = addressClass(address)
    if (kind === 'public') return true
    const isMirror = (preset: NetworkPreset): boolean =>
      (kind === 'private' || kind === 'reserved') &&
      (presetHosts.get(preset) ?? []).some(({ host }) => normalizeName(host) === normalizeName(name))
    return this.policy.rules.some(({ action, cidr, preset }) => {
      if (action === 'deny') return false
      if (preset !== undefined) return isMirror(preset)
      const block = cidr === undefined ? undefined : parseCidr(cidr)
      return block !== undefined && cidrContains(block, address)
    })
  }
}
