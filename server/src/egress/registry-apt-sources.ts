// SPDX-License-Identifier: Apache-2.0

/** One entry of apt's sources, in the words of its older format. */
export interface AptSource {
  readonly type: 'deb' | 'deb-src'
  readonly uri: string
  readonly suite: string
  readonly components: readonly string[]
  /** As in `[arch=amd64 signed-by=/etc/apt/keyrings/a.gpg]`. */
  readonly options: Readonly<Record<string, string>>
  /** The key itself stands in the entry, which the older format cannot say. */
  readonly hasOwnKey?: boolean
}

const OPTION_OF_FIELD: Readonly<Record<string, string>> = {
  architectures: 'arch',
  languages: 'lang',
  targets: 'target',
}
const PLAIN_FIELDS: ReadonlySet<string> = new Set(['types', 'uris', 'suites', 'components', 'enabled'])

/** `sources.list` and `*.list`: an entry on each line. */
export function parseList(text: string): AptSource[] {
  return text.split('\n').flatMap((line): AptSource[] => {
    const entry = /^\s*(deb|deb-src)\s+(?:\[([^\]]*)\]\s*)?(\S+)\s+(\S+)([^#]*)/.exec(line)
    if (entry === null) return []
    const [, type = '', options = '', uri = '', suite = '', components = ''] = entry
    const pairs = words(options).map((option) => option.split(/=(.*)/s, 2).map((part) => part.trim()))
    return [
      {
        type: type === 'deb' ? 'deb' : 'deb-src',
        uri: uri.replaceAll(/^"|"$/g, ''),
        suite,
        components: words(components),
        options: Object.fromEntries(pairs.map(([key = '', value = '']) => [key.toLowerCase(), value])),
      },
    ]
  })
}

/** `*.sources` (deb822): paragraphs of fields, of which each combination is an entry. */
export function parseSources(text: string): AptSource[] {
  const withoutComments = text.replaceAll(/^#.*\n?/gm, '')
  return withoutComments.split(/\n[ \t]*\n/).flatMap((paragraph) => {
    const fields = fieldsOf(paragraph)
    const list = (field: string): string[] => words(fields.get(field) ?? '')
    if (/^(no|false|without|off|disable|0)$/i.test(fields.get('enabled') ?? '')) return []
    const key = fields.get('signed-by') ?? ''
    const hasOwnKey = key.includes('-----BEGIN')
    const options = [...fields]
      .filter(([field]) => !PLAIN_FIELDS.has(field) && !(field === 'signed-by' && hasOwnKey))
      .map(([field, value]): [string, string] => [OPTION_OF_FIELD[field] ?? field, words(value).join(',')])
    const types = list('types').filter((type) => type === 'deb' || type === 'deb-src')
    return types.flatMap((type) =>
      list('uris').flatMap((uri) =>
        list('suites').map(
          (suite): AptSource => ({
            type,
            uri,
            suite,
            components: list('components'),
            options: Object.fromEntries(options),
            ...(hasOwnKey ? { hasOwnKey } : {}),
          }),
        ),
      ),
    )
  })
}

function fieldsOf(paragraph: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>()
  let current: string | undefined
  for (const line of paragraph.split('\n')) {
    const [, field, value = ''] = /^([A-Za-z][A-Za-z0-9-]*):(.*)$/.exec(line) ?? []
    if (field !== undefined) fields.set((current = field.toLowerCase()), value.trim())
    else if (current !== undefined) fields.set(current, `${fields.get(current) ?? ''}\n${line.trim()}`)
  }
  return fields
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '')
}
