// SPDX-License-Identifier: Apache-2.0

/** Raw headers as Node gives them: name, value, name, value. Casing, order and duplicates are the sender's. */
export type RawHeaders = readonly string[]

/** Between two neighbours only (RFC 9110 7.6.1); each side of the proxy makes its own. */
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade'])
/** Whoever lists these in `Connection` wants them to vanish on the way, so that the next hop reads something else. */
const NEVER_NAMED = new Set(['host', 'content-length', 'expect'])
/** Fields that would change the message they trail. */
const NOT_IN_TRAILERS = new Set(['host', 'content-length', 'content-encoding', 'content-type', 'content-range'])

/** What goes on to the other side, without `alsoWithout` (lower case). */
export function endToEnd(raw: RawHeaders, alsoWithout: readonly string[] = []): string[] {
  const named = listOf(raw, 'connection').filter((name) => !NEVER_NAMED.has(name))
  const dropped = new Set([...HOP_BY_HOP, 'http2-settings', ...named, ...alsoWithout])
  return keep(raw, (name) => !dropped.has(name) && !name.startsWith('proxy-'))
}

/** Trailers in the form that `addTrailers` takes. */
export function endToEndTrailers(raw: RawHeaders): [name: string, value: string][] {
  const kept = endToEnd(keep(raw, (name) => !NOT_IN_TRAILERS.has(name)))
  return Array.from({ length: kept.length / 2 }, (_, index) => [kept[2 * index] ?? '', kept[2 * index + 1] ?? ''])
}

/** Each value of a header that may come several times. */
export function valuesOf(raw: RawHeaders, name: string): string[] {
  return raw.filter((_, index) => index % 2 === 1 && raw[index - 1]?.toLowerCase() === name)
}

/** The members of a header that is a list, in lower case. */
export function listOf(raw: RawHeaders, name: string): string[] {
  return valuesOf(raw, name)
    .flatMap((value) => value.split(','))
    .map((member) => member.trim().toLowerCase())
    .filter((member) => member !== '')
}

function keep(raw: RawHeaders, isKept: (name: string) => boolean): string[] {
  return raw.filter((_, index) => isKept((raw[index - (index % 2)] ?? '').toLowerCase()))
}
