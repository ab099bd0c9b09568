// SPDX-License-Identifier: Apache-2.0
import { type Address, parseAddress } from './address.ts'

/** A block of addresses: those that share the first `prefixBits` bits with `base`. */
export interface CidrBlock {
  readonly base: Address
  readonly prefixBits: number
}

/** `10.0.0.0/8`, `2001:db8::/32` or one address. Bits behind the prefix do not matter. */
export function parseCidr(text: string): CidrBlock | undefined {
  const slash = text.indexOf('/')
  const addressText = slash === -1 ? text : text.slice(0, slash)
  const address = parseAddress(addressText)
  if (address === undefined) return undefined
  const writtenBits = addressText.includes(':') ? 128 : 32
  const prefixText = slash === -1 ? `${writtenBits}` : text.slice(slash + 1)
  if (!/^\d{1,3}$/.test(prefixText) || Number(prefixText) > writtenBits) return undefined
  return blockOf(address, Number(prefixText), writtenBits)
}

/** An IPv4 block never contains an IPv6 address, nor the other way round; for mapped ones see `parseAddress`. */
export function cidrContains({ base, prefixBits }: CidrBlock, address: Address): boolean {
  if (base.family !== address.family) return false
  const shift = BigInt((base.family === 4 ? 32 : 128) - prefixBits)
  return base.value >> shift === address.value >> shift
}

function blockOf(address: Address, prefixBits: number, writtenBits: number): CidrBlock {
  if (address.family === 6 || writtenBits === 32) return { base: address, prefixBits }
  // Written as IPv4-mapped: the same block of IPv4, unless it is wider than all of them.
  if (prefixBits >= 96) return { base: address, prefixBits: prefixBits - 96 }
  return { base: { family: 6, value: (0xffffn << 32n) | address.value }, prefixBits }
}
