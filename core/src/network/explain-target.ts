// SPDX-License-Identifier: Apache-2.0
import { type Address, parseAddress } from './address.ts'
import { normalizeName } from './domain-pattern.ts'

export interface NetworkTarget {
  readonly protocol: 'tls' | 'http' | 'tcp'
  readonly host: string
  /** The host, if it is an address. */
  readonly address: Address | null
  readonly port: number
}

const SCHEMES: ReadonlyMap<string, { readonly protocol: NetworkTarget['protocol']; readonly port?: number }> = new Map([
  ['https', { protocol: 'tls', port: 443 }],
  ['wss', { protocol: 'tls', port: 443 }],
  ['http', { protocol: 'http', port: 80 }],
  ['ws', { protocol: 'http', port: 80 }],
  ['tcp', { protocol: 'tcp' }],
])

/** `https://host/…`, `http://host:8080`, `tcp://host:22` or `host:22`; the host in the form a client would ask for. */
export function readTarget(text: string): NetworkTarget | undefined {
  const [, scheme = 'tcp', rest = ''] = /^(?:([a-z]+):\/\/)?(.*)$/is.exec(text) ?? []
  const known = SCHEMES.get(scheme.toLowerCase())
  const [authority = ''] = rest.split(/[/?#\\]/, 1)
  // Read as http so that the host is written the one way clients write it, whatever the scheme.
  const httpUrl = `http://${authority}`
  if (known === undefined || authority.includes('@') || !URL.canParse(httpUrl)) return undefined
  const hostname = new URL(httpUrl).hostname.replace(/^\[(.*)\]$/, '$1')
  const written = /:(\d+)$/.exec(authority)?.[1]
  const port = written === undefined ? known.port : Number(written)
  const address = parseAddress(hostname) ?? null
  const host = address === null ? normalizeName(hostname) : hostname
  if (host === undefined || port === undefined || port < 1) return undefined
  return { protocol: known.protocol, host, address, port }
}
