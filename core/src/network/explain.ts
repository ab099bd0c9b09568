// SPDX-License-Identifier: Apache-2.0
import type { NetworkPolicy, NetworkVerdict } from '@isola/protocol'
import { type Address, formatAddress } from './address.ts'
import { guardOf } from './address-class.ts'
import { connectionNames, type FirstBytes } from './connection-names.ts'
import { type AddressFacts, decideConnection, seeConnection } from './decide-connection.ts'
import { decideName } from './decide-name.ts'
import { type NetworkTarget, readTarget } from './explain-target.ts'
import { matchRule } from './match-rule.ts'
import { denied, rulePlace } from './rule-text.ts'

export interface ExplainFacts extends Omit<AddressFacts, 'pinnedNames'> {
  /** What the host of the URL has been resolved to; not looked at when it is an address itself. */
  readonly addresses: readonly Address[]
}

export interface ExplainStep {
  /** null: a guard, the look-up or the default. */
  readonly rule: number | null
  readonly matches: boolean
  readonly why: string
}

export type NetworkExplanation = NetworkVerdict & { readonly steps: readonly ExplainStep[] }

/**
 * What would happen to a client in the sandbox that looked the host up and connected, and what each rule says to it.
 * Of several addresses the first that is denied is told of: a client may take any of them.
 */
export function explain(policy: NetworkPolicy, url: string, facts: ExplainFacts): NetworkExplanation {
  const target = readTarget(url)
  if (target === undefined) return { ...denied('this is no URL, and no host:port'), steps: [] }
  const lookUp = target.address === null ? decideName(policy, target.host, facts.presetHosts) : undefined
  const addresses = target.address === null ? facts.addresses : [target.address]
  const verdicts = addresses.map((address) => ({ address, ...decideFor(policy, target, address, facts) }))
  const told = verdicts.find(({ verdict }) => verdict === 'deny') ?? verdicts[0]
  const steps = told === undefined ? [] : explainRules(policy, target, told.address, facts)
  if (lookUp?.verdict === 'deny') {
    const reason = `${target.host} may not be looked up: ${lookUp.reason}`
    return { ...lookUp, reason, steps: [{ rule: null, matches: true, why: reason }, ...steps] }
  }
  if (told === undefined) return { ...denied(`${target.host} has no address`), steps }
  const { verdict, rule, reason } = told
  const isAmbiguous = verdicts.some((other) => other.verdict !== verdict)
  return { verdict, rule, reason: isAmbiguous ? `to ${formatAddress(told.address)}: ${reason}` : reason, steps }
}

function decideFor(policy: NetworkPolicy, target: NetworkTarget, address: Address, facts: ExplainFacts) {
  const connectionFacts = { ...facts, pinnedNames: namesOf(target), firstBytes: firstBytesOf(target) }
  return decideConnection(policy, { address, port: target.port }, connectionFacts)
}

function explainRules(
  policy: NetworkPolicy,
  target: NetworkTarget,
  address: Address,
  facts: ExplainFacts,
): readonly ExplainStep[] {
  const pinnedNames = namesOf(target)
  const names = connectionNames(firstBytesOf(target), pinnedNames)
  const seen = seeConnection({ address, port: target.port }, { ...facts, pinnedNames }, names)
  const matches = policy.rules.map((rule) => ({ rule, match: matchRule(rule, seen) }))
  const guard = guardOf(address)
  return [
    ...(guard === undefined ? [] : [{ rule: null, matches: true, why: guard }]),
    ...matches.map(({ rule, match }, index) => ({
      rule: index,
      matches: match.matches,
      why: `${rule.action} ${rulePlace(rule)}: ${match.why}`,
    })),
    {
      rule: null,
      matches: guard === undefined && !matches.some(({ match }) => match.matches),
      why: `the default is ${policy.default}`,
    },
  ]
}

function namesOf({ address, host }: NetworkTarget): readonly string[] {
  return address === null ? [host] : []
}

/** A client says the name it was given, and sends no address as SNI. */
function firstBytesOf({ protocol, address, host }: NetworkTarget): Exclude<FirstBytes, 'unknown'> {
  if (protocol === 'tcp') return 'none'
  return protocol === 'http' ? { kind: 'http', host } : { kind: 'tls', serverName: address === null ? host : null }
}
