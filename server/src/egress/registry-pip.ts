// SPDX-License-Identifier: Apache-2.0
import { FactSheet, type RegistryFacts } from './registry-facts.ts'

/** In the order in which pip believes them. */
const SECTIONS = [':env:', 'install', 'global'] as const
const TRUSTED_HOST = /^[a-z0-9._-]+(:\d{1,5})?$/i

/**
 * @param settings answer of `pip config list`, with those that come from variables
 * @param help answer of `pip download --help`: the one place where pip says its default
 * @param report of `pip install --dry-run`: where the files lie that the index lists; undefined when it failed
 */
export function pipFacts(settings: string, help: string, report: string | undefined): RegistryFacts {
  const facts = new FactSheet('pip')
  const known = parseSettings(settings)
  const urls = (key: string): string[] =>
    words(known, key)
      .map((text) => facts.registry(text))
      .filter((url) => url !== undefined)

  if (isOn(words(known, 'no-index')[0])) facts.note('no index is used on the host (no-index)')
  else {
    const [index] = words(known, 'index-url').length > 0 ? urls('index-url') : defaultIndex(facts, help)
    const extra = urls('extra-index-url')
    if (index !== undefined) facts.env['PIP_INDEX_URL'] = index
    if (extra.length > 0) facts.env['PIP_EXTRA_INDEX_URL'] = extra.join(' ')
    if (report === undefined || !addFileHosts(facts, report))
      facts.note('what the index lists may lie on other hosts; those need a rule of their own')
  }
  const trusted = words(known, 'trusted-host').filter((host) => TRUSTED_HOST.test(host))
  if (trusted.length > 0) facts.env['PIP_TRUSTED_HOST'] = trusted.join(' ')
  return facts
}

/** False when the report names no file. */
function addFileHosts(facts: FactSheet, report: string): boolean {
  const urls = [...report.matchAll(/"url":\s*"(https?:[^"\\]+)"/g)].map(([, url]) => facts.registry(url ?? ''))
  return urls.some((url) => url !== undefined)
}

function defaultIndex(facts: FactSheet, help: string): string[] {
  const shown = /--index-url\b[^[]*?\(default:?\s+(https?:\/\/[^\s)]+)/.exec(help)?.[1]
  const url = shown === undefined ? undefined : facts.registry(shown)
  if (url === undefined) facts.note('it does not say which index it uses')
  return url === undefined ? [] : [url]
}

/** `global.index-url='https://…'`; later lines of the same key win. */
function parseSettings(text: string): ReadonlyMap<string, string> {
  const lines = text.split('\n').map((line) => /^(:env:|[a-z]+)\.([a-z-]+)=(['"])(.*)\3\s*$/.exec(line))
  return new Map(
    lines.filter((line) => line !== null).map((line) => [`${line[1]}.${line[2]}`, unquoted(line[4] ?? '')]),
  )
}

/** As Python writes a text in quotes. */
function unquoted(text: string): string {
  return text.replaceAll(/\\(.)/g, (_, letter: string) => (letter === 'n' || letter === 't' ? ' ' : letter))
}

function words(settings: ReadonlyMap<string, string>, key: string): string[] {
  const value = SECTIONS.map((section) => settings.get(`${section}.${key}`)).find((text) => text !== undefined)
  return value?.split(/\s+/).filter((word) => word !== '') ?? []
}

function isOn(value: string | undefined): boolean {
  return value !== undefined && /^(1|y|yes|t|true|on)$/i.test(value)
}
