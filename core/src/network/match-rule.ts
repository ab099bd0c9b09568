// SPDX-License-Identifier: Apache-2.0
import type { NetworkRule } from '@isola/protocol'
import { type Address, carriedAddress, formatAddress } from './address.ts'
import { addressClass } from './address-class.ts'
import { cidrContains, parseCidr } from './cidr.ts'
import type { ConnectionNames } from './connection-names.ts'
import { domainMatcher } from './domain-pattern.ts'
import { type PresetHosts, presetNames } from './preset-hosts.ts'
import { portsContain } from './rule-text.ts'

/** A connection as rules see it. */
export interface SeenConnection {
  readonly address: Address
  readonly port: number
  readonly names: ConnectionNames
  readonly hostAddresses: ReadonlySet<string>
  readonly presetHosts: PresetHosts
}

export interface RuleMatch {
  readonly matches: boolean
  readonly why: string
  /** An allow rule that speaks of this connection and may not allow it: `why` is what to tell the caller. */
  readonly isNearMiss: boolean
  /** The candidates that this rule does not allow. */
  readonly undecided: readonly string[]
}

/** Whether one rule speaks of a connection. Deny is broad and allow is narrow; see `decideConnection`. */
export function matchRule(rule: NetworkRule, seen: SeenConnection): RuleMatch {
  if (!portsContain(rule.ports, seen.port)) return miss(seen, `it is not for port ${seen.port}`)
  if (rule.cidr !== undefined) return matchCidr(rule.cidr, rule.action, seen)
  if (speaksOfNames(rule)) return rule.action === 'deny' ? denyNames(rule, seen) : allowNames(rule, seen)
  if (rule.action === 'deny' && rule.preset === undefined) return hit('it denies everything')
  const isPublic = addressClass(seen.address) === 'public'
  if (rule.action === 'deny') return isPublic ? hit('the address is public') : miss(seen, 'the address is not public')
  const barrier = barrierOf(seen)
  return barrier === undefined ? hit('the address is public') : nearMiss(seen, barrier)
}

/** Why nothing but a `cidr` rule can allow this address; undefined for an ordinary public one. */
export function barrierOf(seen: SeenConnection): string | undefined {
  const own = ownBarrierOf(seen)
  if (own !== undefined) return own
  const name = addressClass(seen.address)
  return name === 'public'
    ? undefined
    : `${formatAddress(seen.address)} is a ${name} address, which only a cidr rule can allow`
}

function ownBarrierOf({ address, hostAddresses }: SeenConnection): string | undefined {
  const text = formatAddress(address)
  const carried = carriedAddress(address)
  const isOwn = hostAddresses.has(text) || (carried !== undefined && hostAddresses.has(formatAddress(carried)))
  return isOwn ? `${text} is an address of the host, which only a cidr rule can allow` : undefined
}

/**
 * Hosts of a preset are named by the operator's own settings, so a mirror in the operator's network is meant. What
 * is never meant: the machine itself, and the services of its cloud.
 */
function presetBarrierOf(seen: SeenConnection): string | undefined {
  const name = addressClass(seen.address)
  return name === 'private' || name === 'reserved' ? ownBarrierOf(seen) : barrierOf(seen)
}

/** A block that cannot be read allows nothing and denies everything. Deny also looks at a carried IPv4 address. */
function matchCidr(cidr: string, action: NetworkRule['action'], seen: SeenConnection): RuleMatch {
  const block = parseCidr(cidr)
  const text = formatAddress(seen.address)
  if (block === undefined) return action === 'deny' ? hit(`${cidr} is no block`) : miss(seen, `${cidr} is no block`)
  const carried = action === 'deny' ? carriedAddress(seen.address) : undefined
  const contains = cidrContains(block, seen.address) || (carried !== undefined && cidrContains(block, carried))
  return contains ? hit(`${cidr} contains ${text}`) : miss(seen, `${cidr} does not contain ${text}`)
}

function speaksOfNames(rule: NetworkRule): boolean {
  return rule.domain !== undefined || (rule.preset !== undefined && rule.preset !== 'public-internet')
}

function namesListedBy(rule: NetworkRule, seen: SeenConnection): (name: string) => boolean {
  if (rule.domain !== undefined) return domainMatcher(rule.domain)
  const names = listedNames(rule, seen)
  return (name) => names.has(name)
}

function listedNames({ preset }: NetworkRule, seen: SeenConnection): ReadonlySet<string | undefined> {
  return preset === undefined ? new Set() : presetNames(seen.presetHosts, preset, seen.port)
}

function denyNames(rule: NetworkRule, seen: SeenConnection): RuleMatch {
  const couldFit = rule.domain !== undefined || listedNames(rule, seen).size > 0
  if (seen.names.isHidden && couldFit) return hit('the name cannot be read, so it may be this one')
  const name = seen.names.mentioned.find(namesListedBy(rule, seen))
  return name === undefined ? miss(seen, 'no name of the connection fits') : hit(`${name} fits`)
}

function allowNames(rule: NetworkRule, seen: SeenConnection): RuleMatch {
  const { candidates, needs, unproven } = seen.names
  const isListed = namesListedBy(rule, seen)
  if (unproven !== null && isListed(unproven.name))
    return nearMiss(seen, `the ${unproven.source} ${unproven.name} was not looked up here, or has another address`)
  const name = candidates.find(isListed)
  if (name === undefined) return miss(seen, whyNoName(seen))
  const barrier = rule.preset === undefined ? barrierOf(seen) : presetBarrierOf(seen)
  if (barrier !== undefined) return nearMiss(seen, `${name} was looked up, but ${barrier}`)
  const undecided = candidates.filter((candidate) => !isListed(candidate))
  if (needs === 'some' || undecided.length === 0) return hit(`${name} fits`)
  const why = 'it gave no name, and not every name that was answered with its address is allowed'
  return { ...nearMiss(seen, why), undecided }
}

function whyNoName({ address, names }: SeenConnection): string {
  if (names.isHidden) return 'the name cannot be read'
  if (names.candidates.length > 0 || names.unproven !== null) return 'no name of the connection fits'
  return `no name is known for ${formatAddress(address)}`
}

function hit(why: string): RuleMatch {
  return { matches: true, why, isNearMiss: false, undecided: [] }
}

function miss({ names }: SeenConnection, why: string): RuleMatch {
  return { matches: false, why, isNearMiss: false, undecided: names.candidates }
}

function nearMiss(seen: SeenConnection, why: string): RuleMatch {
  return { ...miss(seen, why), isNearMiss: true }
}
