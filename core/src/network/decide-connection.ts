// SPDX-License-Identifier: Apache-2.0
import type { NetworkPolicy, NetworkVerdict } from '@isola/protocol'
import type { Address } from './address.ts'
import { guardOf } from './address-class.ts'
import {
  type ConnectionNames,
  connectionNames,
  type FirstBytes,
  kindestNames,
  strictestNames,
} from './connection-names.ts'
import { barrierOf, matchRule, type SeenConnection } from './match-rule.ts'
import type { PresetHosts } from './preset-hosts.ts'
import { ALLOWED_BY_DEFAULT, denied, ruleVerdict } from './rule-text.ts'

export interface Destination {
  readonly address: Address
  readonly port: number
}

/** What is known of an address whatever is sent to it. */
export interface AddressFacts {
  /** The names that were answered with this address, from `NamePins`. */
  readonly pinnedNames: readonly string[]
  /** The host's own addresses, as `formatAddress` writes them. */
  readonly hostAddresses: ReadonlySet<string>
  readonly presetHosts: PresetHosts
}

export interface ConnectionFacts extends AddressFacts {
  readonly firstBytes: FirstBytes
}

/** `needsFirstBytes`: ask again when they are known, and until then let nothing through. */
export type ConnectionDecision = NetworkVerdict & { readonly needsFirstBytes?: true }

export interface RequestDestination extends Destination {
  /** Where the request says it goes: the host of its absolute target if it has one, else its Host. */
  readonly host: string | null
}

/**
 * May this connection be made? Guards come first: no rule allows loopback, unspecified, multicast and broadcast
 * addresses, in whatever form. Then the first rule that matches decides, then the default.
 *
 * Deny is broad, a rule matches as soon as it might be meant:
 * - `domain` and presets of hosts: any of SNI, Host and the names pinned to the address; any name that cannot be read;
 * - `cidr`: the address, or the IPv4 address it carries;
 * - `public-internet`: every public address; without a destination: everything.
 *
 * Allow is narrow:
 * - `cidr`: the address itself. Nothing else reaches an address that is not public, or the host's own;
 * - `domain` and presets of hosts: the name the connection gives (SNI or Host), which must be pinned to the address.
 *   A connection that gives no name may mean any name pinned to the address; it passes only if each of them is
 *   allowed, by whichever rules, and there is one;
 * - `public-internet`, no destination and the default: what the name is does not matter.
 *
 * So a name that is denied before `public-internet` is allowed keeps away who says it. Who knows the address and
 * hides the name gets through; only an allow-list of names holds against that.
 *
 * With `unknown` first bytes the answer is final if they cannot change it. `none` is true only as long as nothing is
 * sent: a client that waited and then says another name is to be judged again by what it says.
 */
export function decideConnection(
  policy: NetworkPolicy,
  destination: Destination,
  facts: ConnectionFacts,
): ConnectionDecision {
  const { firstBytes, pinnedNames } = facts
  const judgeAs = (names: ConnectionNames) => judge(policy, seeConnection(destination, facts, names))
  if (firstBytes !== 'unknown') return judgeAs(connectionNames(firstBytes, pinnedNames))
  const kindest = judgeAs(kindestNames(pinnedNames))
  const strictest = judgeAs(strictestNames(pinnedNames))
  if (kindest.verdict !== strictest.verdict)
    return { ...denied('its first bytes are needed to decide'), needsFirstBytes: true }
  // The one of the two that does not rest on a name which may never be said.
  return kindest.verdict === 'allow' ? strictest : kindest
}

/** May this request be sent on a connection that is open? The same rules, with the host of this request. */
export function decideRequest(policy: NetworkPolicy, request: RequestDestination, facts: AddressFacts): NetworkVerdict {
  const names = connectionNames({ kind: 'http', host: request.host }, facts.pinnedNames)
  return judge(policy, seeConnection(request, facts, names))
}

export function seeConnection(
  { address, port }: Destination,
  { hostAddresses, presetHosts }: AddressFacts,
  names: ConnectionNames,
): SeenConnection {
  return { address, port, names, hostAddresses, presetHosts }
}

function judge(policy: NetworkPolicy, seen: SeenConnection): NetworkVerdict {
  const guard = guardOf(seen.address)
  if (guard !== undefined) return denied(guard)
  let candidates = seen.names.candidates
  let nearMiss: string | undefined
  for (const [index, rule] of policy.rules.entries()) {
    const match = matchRule(rule, { ...seen, names: { ...seen.names, candidates } })
    if (match.matches) return ruleVerdict(rule, index)
    candidates = match.undecided
    if (match.isNearMiss) nearMiss ??= match.why
  }
  if (policy.default === 'deny') return denied(nearMiss ?? 'no rule allows it')
  const barrier = barrierOf(seen)
  return barrier === undefined ? ALLOWED_BY_DEFAULT : denied(nearMiss ?? barrier)
}
