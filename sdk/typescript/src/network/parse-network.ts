// SPDX-License-Identifier: Apache-2.0
import type { Network, NetworkPolicy, NetworkRule } from '@isola/protocol'

/** What may leave: `none`, words as `parseNetwork` reads them, or a policy. */
export type NetworkOption = string | Partial<NetworkPolicy>

/** A word of a policy that cannot be understood. */
export class NetworkSyntaxError extends Error {
  readonly hint: string

  constructor(message: string, hint: string) {
    super(message)
    this.name = 'NetworkSyntaxError'
    this.hint = hint
  }
}

const PRESETS: ReadonlySet<string> = new Set(['public-internet', 'package-registries'])
const HINT = "e.g. 'api.example.com:443', '*.example.com', '10.0.0.0/8:5432', '-evil.example.com', public-internet"

/**
 * A policy in words, separated by commas, the first that fits decides: a name (`api.example.com`, `*.example.com` for
 * all below it, `.example.com` for both), an address or network (`10.0.0.0/8`, `[2001:db8::/32]`), a preset
 * (`public-internet`, `package-registries`) or `*` for everything public; `:443` or `:8000-8999` behind it limits the
 * ports, `-` before it denies. `none` stands alone.
 * @throws {NetworkSyntaxError}
 */
export function parseNetwork(words: string): Network {
  const list = words.split(',').map((word) => word.trim())
  if (list.length === 1 && list[0] === 'none') return 'none'
  const rules = list.map(parseRule)
  return { rules, default: 'deny', maxConnections: 256 }
}

export function networkOf(option: NetworkOption | undefined): Network | undefined {
  if (option === undefined) return undefined
  if (typeof option === 'string') return parseNetwork(option)
  return { rules: [], default: 'deny', maxConnections: 256, ...option }
}

function parseRule(word: string): NetworkRule {
  const [, minus, bracketed, plain, ports] =
    /^(-?)(?:\[([0-9a-fA-F:.]+(?:\/\d{1,3})?)\]|([^[\]:]+|[0-9a-fA-F:.]*::?[0-9a-fA-F:.]*(?:\/\d{1,3})?))(?::([\d-]+))?$/.exec(
      word,
    ) ?? []
  const place = bracketed ?? plain
  if (place === undefined || word === 'none' || word === '') {
    throw new NetworkSyntaxError(`the rule ${JSON.stringify(word)} is no rule`, HINT)
  }
  return {
    action: minus === '-' ? 'deny' : 'allow',
    ...placeOf(place, word),
    ...(ports === undefined ? {} : { ports: [ports] }),
  }
}

function placeOf(place: string, word: string): Pick<NetworkRule, 'domain' | 'cidr' | 'preset'> {
  if (place === '*') return {}
  if (PRESETS.has(place)) return { preset: place as NonNullable<NetworkRule['preset']> }
  if (/^[\d.]+(\/\d{1,2})?$/.test(place) || place.includes(':')) return { cidr: place }
  if (!place.includes('.')) {
    throw new NetworkSyntaxError(
      `the rule ${JSON.stringify(word)} is no preset`,
      `presets are ${[...PRESETS].join(', ')} and none; a name without a dot is written with one at its end, like \`db.\``,
    )
  }
  if (/^(\*\.|\.)?([a-z0-9_]([a-z0-9_-]*[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?\.?$/i.test(place))
    return { domain: place }
  throw new NetworkSyntaxError(`the rule ${JSON.stringify(word)} is neither a name, an address nor a preset`, HINT)
}
