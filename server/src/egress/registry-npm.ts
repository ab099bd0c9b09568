// SPDX-License-Identifier: Apache-2.0
import { FactSheet, type RegistryFacts } from './registry-facts.ts'

const SCOPED = /^(@[a-z0-9._~-]+):registry$/i
const SETTINGS_FILE = '/etc/npmrc'

/** @param answer of `npm config ls --json`, of which only the registries are looked at: others hold tokens */
export function npmFacts(answer: string): RegistryFacts {
  const facts = new FactSheet('npm')
  const settings = Object.entries(parseObject(answer)).filter(([, value]) => typeof value === 'string')
  const scopes: string[] = []
  for (const [key, value] of settings as [string, string][]) {
    const scope = SCOPED.exec(key)?.[1]
    if (key !== 'registry' && scope === undefined) continue
    const url = facts.registry(value)
    if (url === undefined) continue
    if (scope === undefined) facts.env['npm_config_registry'] = url
    else scopes.push(`${scope}:registry=${url}\n`)
  }
  if (scopes.length > 0) {
    // A variable cannot carry a scope: many shells drop a name with `@` in it.
    facts.files.push({ path: SETTINGS_FILE, content: scopes.join('') })
    facts.env['npm_config_globalconfig'] = SETTINGS_FILE
  }
  return facts
}

function parseObject(text: string): object {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    return {}
  }
}
