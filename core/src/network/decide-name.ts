// SPDX-License-Identifier: Apache-2.0
import type { NetworkPolicy, NetworkRule, NetworkVerdict } from '@isola/protocol'
import { domainMatches, normalizeName } from './domain-pattern.ts'
import { type PresetHosts, presetNames } from './preset-hosts.ts'
import { ALLOWED_BY_DEFAULT, denied, ruleVerdict } from './rule-text.ts'

/**
 * May this name be looked up? A question alone carries data out, so a name is asked for only if a connection
 * to it could be allowed: the first rule that fits decides, then the default.
 *
 * - A rule with `domain`, or with a preset of hosts, fits the names it lists.
 * - A rule without a destination, or with `public-internet`, fits every name.
 * - A rule with `cidr` fits none: there is no address yet.
 * - A deny rule limited to ports fits none, an allow rule limited to ports does: other ports are the connection's affair.
 */
export function decideName(policy: NetworkPolicy, name: string, presetHosts: PresetHosts): NetworkVerdict {
  const normal = normalizeName(name)
  if (normal === undefined) return denied('this is not a host name')
  for (const [index, rule] of policy.rules.entries())
    if (fitsName(rule, normal, presetHosts)) return ruleVerdict(rule, index)
  return policy.default === 'allow' ? ALLOWED_BY_DEFAULT : denied('no rule allows it')
}

function fitsName(rule: NetworkRule, name: string, presetHosts: PresetHosts): boolean {
  if (rule.cidr !== undefined || (rule.action === 'deny' && rule.ports !== undefined)) return false
  if (rule.domain !== undefined) return domainMatches(rule.domain, name)
  if (rule.preset === undefined || rule.preset === 'public-internet') return true
  return presetNames(presetHosts, rule.preset).has(name)
}
