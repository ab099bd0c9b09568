// SPDX-License-Identifier: Apache-2.0
import type { AptSource } from './registry-apt-sources.ts'
import { FactSheet, type RegistryFacts } from './registry-facts.ts'

const SOURCES_FILE = '/etc/apt/sources.list'
/** What the `host` template shows inside; a keyring elsewhere would make apt refuse the entry. */
const SHOWN_KEYRINGS = /^\/(etc\/apt\/keyrings|etc\/apt\/trusted\.gpg\.d|usr\/share\/keyrings)\/[A-Za-z0-9._+-]+$/
const FINGERPRINT = /^[0-9A-F]{16,40}!?$/i
const PLAIN_OPTION = /^[a-z-]+=[A-Za-z0-9._:,+@/-]+$/
/** Suites and components stand in a file that root inside reads: nothing that could become another line or option. */
const PLAIN_WORD = /^[A-Za-z0-9._:$()+~/-]+$/

/**
 * @param config answer of `apt-config dump`
 * @param mirrors the lists that entries with `mirror+file:` name, by their path
 */
export function aptFacts(
  sources: readonly AptSource[],
  config: string,
  mirrors: ReadonlyMap<string, string> = new Map(),
): RegistryFacts {
  const facts = new FactSheet('apt')
  const lines = sources.flatMap((source) => {
    const { type, suite, components } = source
    const words = [suite, ...components]
    if (!words.every((word) => PLAIN_WORD.test(word))) return []
    const options = insideOptions(facts, source)
    return insideUris(facts, source.uri, mirrors).map((uri) => [type, ...options, uri, ...words].join(' '))
  })
  if (lines.length > 0) facts.files.push({ path: SOURCES_FILE, content: `${[...new Set(lines)].join('\n')}\n` })
  if (/^Acquire::https?::Proxy(::\S+)? "(?!DIRECT)[^"]+";/im.test(config))
    // Not a host of the preset: whoever may use a proxy reaches all that the proxy reaches.
    facts.note('it uses a proxy on the host; inside it does not, unless a rule and a setting say so')
  return facts
}

/** The files in which a list of mirrors is looked for. */
export function mirrorFiles(sources: readonly AptSource[]): readonly string[] {
  const paths = sources.map(({ uri }) => mirrorFile(uri)).filter((path) => path !== undefined)
  return [...new Set(paths)]
}

function mirrorFile(uri: string): string | undefined {
  return /^mirror\+file:(?:\/\/)?(\/.*)$/.exec(uri)?.[1]
}

function insideUris(facts: FactSheet, uri: string, mirrors: ReadonlyMap<string, string>): string[] {
  const file = mirrorFile(uri)
  if (file !== undefined) {
    const listed = (mirrors.get(file) ?? '').split('\n').map((line) => line.trim().split(/\s/)[0] ?? '')
    const urls = listed.filter((line) => line !== '' && !line.startsWith('#')).map((line) => facts.registry(line))
    // Each would be another entry of the same packages, and one is enough.
    return urls.filter((url) => url !== undefined).slice(0, 1)
  }
  const [, prefix = '', url = ''] = /^(mirror\+(?=https?:))?(.*)$/i.exec(uri) ?? []
  if (prefix !== '') facts.note('the mirrors that a list names lie on other hosts; those need a rule of their own')
  const inside = facts.registry(url)
  return inside === undefined ? [] : [`${prefix}${inside}`]
}

function insideOptions(facts: FactSheet, { options, hasOwnKey }: AptSource): string[] {
  if (hasOwnKey === true) facts.note('a key that stands in its entry stays outside')
  const inside = Object.entries(options).flatMap(([name, value]) => {
    if (name !== 'signed-by') return [`${name}=${value}`]
    const keys = value.split(',')
    if (keys.every((key) => SHOWN_KEYRINGS.test(key) || FINGERPRINT.test(key))) return [`${name}=${value}`]
    facts.note("a keyring outside of apt's own directories is not seen inside")
    return []
  })
  const plain = inside.filter((option) => PLAIN_OPTION.test(option))
  return plain.length > 0 ? [`[${plain.join(' ')}]`] : []
}
