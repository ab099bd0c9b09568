// SPDX-License-Identifier: Apache-2.0
import { FactSheet, type RegistryFacts } from './registry-facts.ts'

/** cargo looks for settings in every directory above the one it works in. */
const SETTINGS_FILE = '/.cargo/config.toml'
/** What says where packages come from; everything else (tokens, linkers, aliases) is the host's own. */
const KEYS = /^(?:registries\.(?<registry>[\w-]+)\.index|source\.(?<source>[\w-]+)\.(?<setting>registry|replace-with))$/
const VARIABLE = /^CARGO_REGISTRIES_[A-Z0-9_]+_INDEX$/
const NAME = /^[\w-]+$/

/** @param settings text of cargo's `config.toml` */
export function cargoFacts(settings: string, env: NodeJS.ProcessEnv = {}): RegistryFacts {
  const facts = new FactSheet('cargo')
  for (const [variable, value] of Object.entries(env)) {
    const index = VARIABLE.test(variable) && value !== undefined ? insideIndex(facts, value) : undefined
    if (index !== undefined) facts.env[variable] = index
  }
  const written = [...strings(settings)].flatMap(([key, value]) => {
    const { registry, source, setting } = KEYS.exec(key)?.groups ?? {}
    if (registry === undefined && source === undefined) return []
    const kept = setting === 'replace-with' ? (NAME.test(value) ? value : undefined) : insideIndex(facts, value)
    if (kept === undefined) return []
    const [section, name] = registry === undefined ? [`source.${source}`, setting] : [`registries.${registry}`, 'index']
    return [`[${section}]\n${name} = "${kept}"\n`]
  })
  if (written.length > 0) facts.files.push({ path: SETTINGS_FILE, content: joined(written) })
  if (facts.hosts.length === 0)
    facts.note('it is not configured, and does not say what its default is; the hosts of its index need a rule')
  else facts.note('what an index lists may lie on other hosts; those need a rule of their own')
  return facts
}

function insideIndex(facts: FactSheet, value: string): string | undefined {
  const [, sparse = '', url = ''] = /^(sparse\+)?(.*)$/.exec(value) ?? []
  const inside = facts.registry(url)
  return inside === undefined ? undefined : `${sparse}${inside}`
}

/** Each section may stand in a file only once. */
function joined(entries: readonly string[]): string {
  const sections = new Map<string, Set<string>>()
  for (const entry of entries) {
    const [section = '', line = ''] = entry.split('\n')
    sections.set(section, (sections.get(section) ?? new Set()).add(line))
  }
  return [...sections].map(([section, lines]) => [section, ...lines, ''].join('\n')).join('\n')
}

/** The texts of a TOML file, each with its whole key; not every TOML, but what people write there. */
function* strings(toml: string): Generator<[key: string, value: string]> {
  let section = ''
  for (const line of toml.split('\n')) {
    const header = /^\s*\[([^[\]]+)\]\s*(#.*)?$/.exec(line)?.[1]
    if (header !== undefined) section = `${plainKey(header)}.`
    const [, key, , value] = /^\s*([\w."'-]+)\s*=\s*(["'])([^"']*)\2/.exec(line) ?? []
    if (key !== undefined && value !== undefined) yield [`${section}${plainKey(key)}`, value]
  }
}

function plainKey(key: string): string {
  return key.replaceAll(/["'\s]/g, '')
}
