// SPDX-License-Identifier: Apache-2.0
import { normalizeName, parseAddress } from '@isola/core'

/** What a file like /etc/hosts says: the addresses of each name. */
export function parseHostsFile(text: string): ReadonlyMap<string, readonly string[]> {
  const addresses = new Map<string, string[]>()
  for (const line of text.split('\n')) {
    const [address, ...names] = line.replace(/#.*/, '').trim().split(/\s+/)
    if (address === undefined || parseAddress(address) === undefined) continue
    for (const name of names.map(normalizeName).filter((normal) => normal !== undefined))
      addresses.set(name, [...(addresses.get(name) ?? []), address])
  }
  return addresses
}
