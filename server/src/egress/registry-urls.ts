// SPDX-License-Identifier: Apache-2.0
import { normalizeName, type PresetHost } from '@isola/core'

export interface CleanUrl {
  /** Without user, password, query and fragment: each of them may be a key that belongs outside. */
  readonly href: string
  readonly hadCredentials: boolean
  /** Absent for an address, which only a `cidr` rule can allow. */
  readonly host?: PresetHost
}

/** What of a configured URL may be seen inside; undefined for what is not fetched over HTTP. */
export function cleanUrl(text: string): CleanUrl | undefined {
  if (!/^https?:\/\//i.test(text)) return undefined
  const url = URL.parse(text)
  if (url === null) return undefined
  const hadCredentials = url.username !== '' || url.password !== '' || url.search !== ''
  const name = normalizeName(url.hostname)
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port)
  for (const part of ['username', 'password', 'search', 'hash'] as const) url[part] = ''
  return { href: url.href, hadCredentials, ...(name === undefined ? {} : { host: { host: name, port } }) }
}
