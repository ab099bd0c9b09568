// SPDX-License-Identifier: Apache-2.0
import { parseAddress } from './address.ts'
import { normalizeName } from './domain-pattern.ts'

/** What is known of the first bytes a client sent. `unknown`: nobody looked. `none`: it sends nothing by itself. */
export type FirstBytes =
  | 'unknown'
  | 'none'
  | { readonly kind: 'tls'; readonly serverName: string | null }
  /** `host` as in the head, a port at its end does not matter. */
  | { readonly kind: 'http'; readonly host: string | null }
  | { readonly kind: 'other' }
  /** TLS or HTTP that cannot be read for sure. */
  | { readonly kind: 'malformed' }

/** What rules that speak of names see of one connection. */
export interface ConnectionNames {
  /** What it may be allowed by: names that were answered with its address. */
  readonly candidates: readonly string[]
  /** Whether rules must allow every candidate, or (where it is still open which one it is) any. */
  readonly needs: 'every' | 'some'
  /** A rule that denies any of these denies the connection. */
  readonly mentioned: readonly string[]
  /** Its name cannot be read, so it may be any that is denied. */
  readonly isHidden: boolean
  /** The name it gave, if that was not answered with its address. */
  readonly unproven: { readonly source: 'server name' | 'host'; readonly name: string } | null
}

/**
 * - SNI or Host: that name, if it is pinned to the address. If it is not, no name counts: it is made up.
 * - No name (neither TLS nor HTTP, or without SNI or Host): it may mean any pinned name, so each must be allowed.
 * - An address in place of a name: no name.
 * - Anything else in place of a name, or malformed: no name, and every denied one.
 */
export function connectionNames(
  firstBytes: Exclude<FirstBytes, 'unknown'>,
  pinned: readonly string[],
): ConnectionNames {
  const nothing: ConnectionNames = {
    candidates: [],
    needs: 'every',
    mentioned: pinned,
    isHidden: false,
    unproven: null,
  }
  if (firstBytes !== 'none' && firstBytes.kind === 'malformed') return { ...nothing, isHidden: true }
  const given = givenName(firstBytes)
  if (given === null) return { ...nothing, candidates: pinned }
  if (parseAddress(given.text) !== undefined) return nothing
  const name = normalizeName(given.text)
  if (name === undefined) return { ...nothing, isHidden: true }
  if (pinned.includes(name)) return { ...nothing, candidates: [name] }
  return { ...nothing, mentioned: [name, ...pinned], unproven: { source: given.source, name } }
}

/** The two ends of what first bytes could still say. */
export function kindestNames(pinned: readonly string[]): ConnectionNames {
  return { candidates: pinned, needs: 'some', mentioned: pinned, isHidden: false, unproven: null }
}

export function strictestNames(pinned: readonly string[]): ConnectionNames {
  return { candidates: [], needs: 'every', mentioned: pinned, isHidden: true, unproven: null }
}

interface GivenName {
  readonly source: 'server name' | 'host'
  readonly text: string
}

function givenName(firstBytes: Exclude<FirstBytes, 'unknown'>): GivenName | null {
  if (firstBytes === 'none') return null
  if (firstBytes.kind === 'tls' && firstBytes.serverName !== null)
    return { source: 'server name', text: firstBytes.serverName }
  if (firstBytes.kind === 'http' && firstBytes.host !== null)
    return { source: 'host', text: hostOfAuthority(firstBytes.host) }
  return null
}

/** `example.com:80` → `example.com`, `[::1]:80` → `::1`. */
function hostOfAuthority(authority: string): string {
  return authority.replace(/:\d{0,5}$/, '').replace(/^\[([^\]]*:[^\]]*)\]$/, '$1')
}
