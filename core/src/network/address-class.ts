// SPDX-License-Identifier: Apache-2.0
import { type Address, carriedAddress, parseAddress } from './address.ts'
import { type CidrBlock, cidrContains, parseCidr } from './cidr.ts'

export type AddressClass =
  | 'public'
  | 'loopback'
  | 'unspecified'
  | 'private'
  | 'link-local'
  | 'metadata'
  | 'multicast'
  | 'reserved'

/**
 * The IANA special-purpose registries (RFC 6890 and its updates), the first that contains an address decides.
 * What a cloud answers its machines with comes first: each of them gives out credentials.
 */
const CLASSES: readonly (readonly [cidr: string, addressClass: AddressClass])[] = [
  ['169.254.169.254', 'metadata'], // AWS, Google, Azure, DigitalOcean, Hetzner, OpenStack, Oracle
  ['169.254.170.2', 'metadata'], // AWS ECS: credentials of a task
  ['169.254.170.23', 'metadata'], // AWS EKS: identity of a pod
  ['169.254.42.42', 'metadata'], // Scaleway
  ['169.254.0.23', 'metadata'], // Tencent
  ['100.100.100.200', 'metadata'], // Alibaba
  ['192.0.0.192', 'metadata'], // Oracle Cloud Classic
  ['168.63.129.16', 'metadata'], // Azure wire server, in the middle of public addresses
  ['fd00:ec2::254', 'metadata'], // AWS
  ['fd00:ec2::23', 'metadata'], // AWS EKS: identity of a pod
  ['fd20:ce::254', 'metadata'], // Google
  ['fd00:42::42', 'metadata'], // Scaleway

  ['0.0.0.0/8', 'unspecified'], // RFC 791: this network; Linux connects to 0.0.0.0 on itself
  ['10.0.0.0/8', 'private'], // RFC 1918
  ['100.64.0.0/10', 'private'], // RFC 6598: shared, behind a carrier's NAT
  ['127.0.0.0/8', 'loopback'], // RFC 1122
  ['169.254.0.0/16', 'link-local'], // RFC 3927
  ['172.16.0.0/12', 'private'], // RFC 1918
  ['192.0.0.0/24', 'reserved'], // RFC 6890: IETF protocol assignments
  ['192.0.2.0/24', 'reserved'], // RFC 5737: TEST-NET-1
  ['192.88.99.0/24', 'reserved'], // RFC 7526: 6to4 relays, deprecated
  ['192.168.0.0/16', 'private'], // RFC 1918
  ['198.18.0.0/15', 'reserved'], // RFC 2544: benchmarks
  ['198.51.100.0/24', 'reserved'], // RFC 5737: TEST-NET-2
  ['203.0.113.0/24', 'reserved'], // RFC 5737: TEST-NET-3
  ['224.0.0.0/4', 'multicast'], // RFC 5771
  ['240.0.0.0/4', 'reserved'], // RFC 1112, with the broadcast address
  ['0.0.0.0/0', 'public'],

  ['::', 'unspecified'], // RFC 4291
  ['::1', 'loopback'], // RFC 4291
  ['2001::/23', 'reserved'], // RFC 2928: protocol assignments; Teredo, benchmarks, ORCHID
  ['2001:db8::/32', 'reserved'], // RFC 3849: documentation
  ['3fff::/20', 'reserved'], // RFC 9637: documentation
  ['fc00::/7', 'private'], // RFC 4193: unique local
  ['fe80::/10', 'link-local'], // RFC 4291
  ['fec0::/10', 'private'], // RFC 3879: site-local, deprecated
  ['ff00::/8', 'multicast'], // RFC 4291
  ['2000::/3', 'public'], // RFC 4291: all that was ever assigned for the internet
  ['::/0', 'reserved'], // the rest, such as 100::/64 (discard), 64:ff9b:1::/48 (local NAT64), 5f00::/16 (SRv6)
]

const BLOCKS: readonly (readonly [block: CidrBlock, addressClass: AddressClass])[] = CLASSES.map(([text, name]) => {
  const block = parseCidr(text)
  if (block === undefined) throw new Error(`the table of address classes holds ${text}`)
  return [block, name]
})

const BROADCAST = parseAddress('255.255.255.255')?.value

/** What an address is for. One that carries an IPv4 address is what that one is. */
export function addressClass(address: Address): AddressClass {
  const carried = carriedAddress(address)
  if (carried !== undefined) return addressClass(carried)
  return BLOCKS.find(([block]) => cidrContains(block, address))?.[1] ?? 'reserved'
}

const GUARDED: ReadonlySet<AddressClass> = new Set(['loopback', 'unspecified', 'multicast'])

/** Why no rule can ever allow this address: it is the relay's own machine, or many machines at once. */
export function guardOf(address: Address): string | undefined {
  const name = addressClass(address)
  if (GUARDED.has(name)) return `a guard denies every ${name} address`
  const { family, value } = carriedAddress(address) ?? address
  return family === 4 && value === BROADCAST ? 'a guard denies the broadcast address' : undefined
}
