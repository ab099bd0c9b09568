// SPDX-License-Identifier: Apache-2.0
import type { NetworkRule, NetworkVerdict } from '@isola/protocol'

/** Whether a rule speaks of this port; without `ports` it speaks of all. */
export function portsContain(ports: readonly string[] | undefined, port: number): boolean {
  if (ports === undefined) return true
  return ports.some((range) => {
    const [from, to = from] = range.split('-').map(Number)
    return from !== undefined && to !== undefined && port >= from && port <= to
  })
}

export function rulePlace({ action, domain, cidr, preset }: NetworkRule): string {
  return domain ?? cidr ?? preset ?? (action === 'deny' ? 'everything' : 'every public address')
}

/** The verdict of rule number `index`. */
export function ruleVerdict(rule: NetworkRule, index: number): NetworkVerdict {
  const ports = rule.ports === undefined ? '' : ` on port ${rule.ports.join(', ')}`
  const verb = rule.action === 'allow' ? 'allows' : 'denies'
  return { verdict: rule.action, rule: index, reason: `rule ${index} ${verb} ${rulePlace(rule)}${ports}` }
}

export function denied(reason: string): NetworkVerdict {
  return { verdict: 'deny', rule: null, reason }
}

export const ALLOWED_BY_DEFAULT: NetworkVerdict = {
  verdict: 'allow',
  rule: null,
  reason: 'no rule names it, and the default is allow',
}
