// SPDX-License-Identifier: Apache-2.0

const MAX_NAME_BYTES = 253
const NAME = /^[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*$/
/** What readers of addresses take for a number: `127.1`, `2130706433` and `0x7f.1` are addresses to many of them. */
const ENDS_IN_A_NUMBER = /(^|\.)(\d+|0x[0-9a-f]*)$/i

/**
 * The one way to write a host name: lower case, without the dot at its end; undefined for what is no name.
 * The letters are checked before they are lowered: `toLowerCase` makes an ASCII k of the Kelvin sign.
 */
export function normalizeName(name: string): string | undefined {
  const bare = name.endsWith('.') ? name.slice(0, -1) : name
  if (bare.length > MAX_NAME_BYTES || !NAME.test(bare) || ENDS_IN_A_NUMBER.test(bare)) return undefined
  return bare.toLowerCase()
}

/**
 * `api.example.com` that name alone · `*.example.com` everything below it, at any depth · `.example.com` both.
 * What it returns must be asked with names that come from `normalizeName`.
 */
export function domainMatcher(pattern: string): (name: string) => boolean {
  const bare = pattern.endsWith('.') ? pattern.slice(0, -1) : pattern
  const [, prefix, domain = ''] = /^(\*\.|\.|)(.*)$/s.exec(bare.toLowerCase()) ?? []
  const below = `.${domain}`
  if (prefix === '*.') return (name) => name.endsWith(below)
  if (prefix === '.') return (name) => name === domain || name.endsWith(below)
  return (name) => name === domain
}

/** `name` must come from `normalizeName`. */
export function domainMatches(pattern: string, name: string): boolean {
  return domainMatcher(pattern)(name)
}
