// SPDX-License-Identifier: Apache-2.0
import { FactSheet, type RegistryFacts } from './registry-facts.ts'

const PATTERNS = /^[A-Za-z0-9.*?[\]/,~_-]+$/

/** @param answer of `go env GOPROXY GOSUMDB GONOSUMDB`, a line for each */
export function goFacts(answer: string): RegistryFacts {
  const facts = new FactSheet('go')
  const [proxies = '', sums = '', unsummed = ''] = answer.split('\n').map((line) => line.trim())
  const proxy = insideProxies(facts, proxies)
  const sum = insideSums(facts, sums)
  if (proxy !== '') facts.env['GOPROXY'] = proxy
  if (sum !== undefined) facts.env['GOSUMDB'] = sum
  if (PATTERNS.test(unsummed)) facts.env['GONOSUMDB'] = unsummed
  return facts
}

/** `https://a.example.org,https://b.example.org|direct`: the sign before an entry says when it is tried. */
function insideProxies(facts: FactSheet, text: string): string {
  let inside = ''
  for (const [, sign = '', entry = ''] of text.matchAll(/([,|]?)([^,|]+)/g)) {
    if (entry === 'direct') facts.note('with `direct`, modules come from hosts of their own; those need a rule')
    const kept = entry === 'direct' || entry === 'off' ? entry : facts.registry(entry)?.replace(/\/$/, '')
    if (kept !== undefined) inside += inside === '' ? kept : `${sign}${kept}`
  }
  return inside
}

/** `off`, or a name with or without a key, and maybe where to ask. */
function insideSums(facts: FactSheet, text: string): string | undefined {
  const [name = '', url] = text.split(/\s+/)
  if (name === 'off') return name
  if (!/^[A-Za-z0-9.+/=_-]+$/.test(name)) return undefined
  const asked = facts.registry(url ?? `https://${name.replace(/\+.*/, '')}`)
  if (url === undefined) return name
  return asked === undefined ? undefined : `${name} ${asked.replace(/\/$/, '')}`
}
