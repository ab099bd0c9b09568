// SPDX-License-Identifier: Apache-2.0

/** An IP address as a number. An IPv4-mapped one (`::ffff:a.b.c.d`) is the IPv4 address: sockets connect there. */
export interface Address {
  readonly family: 4 | 6
  readonly value: bigint
}

const LONGEST_TEXT = '0000:0000:0000:0000:0000:ffff:255.255.255.255'.length
const MAPPED_PREFIX = 0xffffn
const LOW_32_BITS = 0xffff_ffffn

/** Only the plain forms: no zone, no brackets, no leading zeros or shortened IPv4, which readers disagree about. */
export function parseAddress(text: string): Address | undefined {
  if (text.length > LONGEST_TEXT) return undefined
  if (!text.includes(':')) {
    const value = ipv4Value(text)
    return value === undefined ? undefined : { family: 4, value }
  }
  const value = ipv6Value(text)
  if (value === undefined) return undefined
  return value >> 32n === MAPPED_PREFIX ? { family: 4, value: value & LOW_32_BITS } : { family: 6, value }
}

/** The one way to write an address (RFC 5952, all groups in hex), so that texts can be compared. */
export function formatAddress({ family, value }: Address): string {
  return family === 4 ? formatIpv4(value) : formatIpv6(value)
}

const WELL_KNOWN_NAT64 = 0x0064_ff9b_0000_0000_0000_0000n
const SIX_TO_FOUR = 0x2002n

/**
 * The IPv4 address that a packet to this IPv6 address may be sent on to: NAT64 `64:ff9b::/96` (RFC 6052),
 * 6to4 `2002::/16` (RFC 3056), IPv4-compatible `::a.b.c.d` (RFC 4291).
 */
export function carriedAddress({ family, value }: Address): Address | undefined {
  if (family === 4) return undefined
  const high96 = value >> 32n
  const isCompatible = high96 === 0n && value > 1n
  if (isCompatible || high96 === WELL_KNOWN_NAT64) return { family: 4, value: value & LOW_32_BITS }
  if (value >> 112n === SIX_TO_FOUR) return { family: 4, value: (value >> 80n) & LOW_32_BITS }
  return undefined
}

function ipv4Value(text: string): bigint | undefined {
  const parts = text.split('.')
  if (parts.length !== 4) return undefined
  let value = 0n
  for (const part of parts) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined
    value = (value << 8n) | BigInt(part)
  }
  return value
}

function ipv6Value(text: string): bigint | undefined {
  const inHex = withoutDottedTail(text)
  const halves = inHex?.split('::').map(hexGroups)
  if (halves === undefined || halves.length > 2) return undefined
  const [head, tail] = halves
  if (head === undefined || (halves.length === 2 && tail === undefined)) return undefined
  const known = head.length + (tail?.length ?? 0)
  if (tail === undefined ? known !== 8 : known > 7) return undefined
  const zeros = Array.from({ length: 8 - known }, () => 0n)
  return [...head, ...zeros, ...(tail ?? [])].reduce((value, group) => (value << 16n) | group, 0n)
}

/** The last two groups may be written as an IPv4 address. */
function withoutDottedTail(text: string): string | undefined {
  if (!text.includes('.')) return text
  const start = text.lastIndexOf(':') + 1
  const value = ipv4Value(text.slice(start))
  if (value === undefined) return undefined
  return `${text.slice(0, start)}${(value >> 16n).toString(16)}:${(value & 0xffffn).toString(16)}`
}

function hexGroups(text: string): readonly bigint[] | undefined {
  if (text === '') return []
  const groups = text.split(':')
  return groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))
    ? groups.map((group) => BigInt(`0x${group}`))
    : undefined
}

function formatIpv4(value: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => ((value >> shift) & 0xffn).toString()).join('.')
}

function formatIpv6(value: bigint): string {
  const groups = [112n, 96n, 80n, 64n, 48n, 32n, 16n, 0n].map((shift) => (value >> shift) & 0xffffn)
  const zeros = longestZeroRun(groups)
  const hex = groups.map((group) => group.toString(16))
  if (zeros.length < 2) return hex.join(':')
  return `${hex.slice(0, zeros.start).join(':')}::${hex.slice(zeros.start + zeros.length).join(':')}`
}

function longestZeroRun(groups: readonly bigint[]): { readonly start: number; readonly length: number } {
  let longest = { start: 0, length: 0 }
  let length = 0
  for (const [index, group] of groups.entries()) {
    length = group === 0n ? length + 1 : 0
    if (length > longest.length) longest = { start: index - length + 1, length }
  }
  return longest
}
