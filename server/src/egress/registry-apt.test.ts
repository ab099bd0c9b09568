// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest'
import { aptFacts, mirrorFiles } from './registry-apt.ts'
import { parseList, parseSources } from './registry-apt-sources.ts'

const KEYRING = '/usr/share/keyrings/example.gpg'

function inside(sources: ReturnType<typeof parseList>, config = '', mirrors?: ReadonlyMap<string, string>) {
  const facts = aptFacts(sources, config, mirrors)
  return {
    lines: facts.files[0]?.content.trimEnd().split('\n') ?? [],
    hosts: facts.hosts.map(({ host, port }) => `${host}:${port}`),
    notes: facts.notes,
  }
}

test.each([
  ['deb http://apt.example.org/debian stable main contrib', 'deb http://apt.example.org/debian stable main contrib'],
  ['  deb-src https://apt.example.org/d stable main # why', 'deb-src https://apt.example.org/d stable main'],
  ['deb http://apt.example.org/flat ./', 'deb http://apt.example.org/flat ./'],
  [
    `deb [ arch=amd64,arm64  signed-by=${KEYRING} ] https://apt.example.org/d stable main`,
    `deb [arch=amd64,arm64 signed-by=${KEYRING}] https://apt.example.org/d stable main`,
  ],
  [
    'deb [signed-by=/root/own.gpg arch=amd64] https://apt.example.org/d stable main',
    'deb [arch=amd64] https://apt.example.org/d stable main',
  ],
  [
    'deb [signed-by=/usr/share/keyrings/../../../root/own.gpg] https://apt.example.org/d stable main',
    'deb https://apt.example.org/d stable main',
  ],
  ['deb https://me:s3cret@apt.example.org/d?k=s3cret stable main', 'deb https://apt.example.org/d stable main'],
  ['deb mirror+https://apt.example.org/list stable main', 'deb mirror+https://apt.example.org/list stable main'],
])('the line %j is told as %j', (line, told) => {
  expect(inside(parseList(line)).lines).toEqual([told])
})

test.each(['', '# deb http://apt.example.org/d stable main', 'rpm http://apt.example.org/d stable', 'deb', 'deb x'])(
  'the line %j is no entry',
  (line) => {
    expect(parseList(line)).toEqual([])
  },
)

test.each([
  'deb cdrom:[Example]/ stable main',
  'deb file:/srv/d stable main',
  'deb ssh://apt.example.org/d stable main',
])('the line %j leads to no host', (line) => {
  expect(inside(parseList(line))).toMatchObject({ lines: [], hosts: [] })
})

test('every combination of a paragraph is an entry, and what is not enabled is none', () => {
  const text = `# The first
Types: deb deb-src
URIs: http://apt.example.org/d
# in the middle
Suites: stable stable-updates
Components: main
  contrib
Architectures: amd64 arm64
Signed-By: ${KEYRING}

Types: deb
URIs: https://off.example.org/d
Suites: stable
Components: main
Enabled: no

types: deb
uris: https://a.example.org/d https://b.example.org:8443/d
suites: ./
`
  const options = `[arch=amd64,arm64 signed-by=${KEYRING}]`
  expect(inside(parseSources(text))).toEqual({
    lines: [
      `deb ${options} http://apt.example.org/d stable main contrib`,
      `deb ${options} http://apt.example.org/d stable-updates main contrib`,
      `deb-src ${options} http://apt.example.org/d stable main contrib`,
      `deb-src ${options} http://apt.example.org/d stable-updates main contrib`,
      'deb https://a.example.org/d ./',
      'deb https://b.example.org:8443/d ./',
    ],
    hosts: ['apt.example.org:80', 'apt.example.org:80', 'apt.example.org:80', 'apt.example.org:80'].concat(
      'a.example.org:443',
      'b.example.org:8443',
    ),
    notes: [],
  })
})

test('a key within a paragraph stays outside, which is said', () => {
  const text = `Types: deb
URIs: https://apt.example.org/d
Suites: stable
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mQINBF
 -----END PGP PUBLIC KEY BLOCK-----
`
  expect(inside(parseSources(text))).toMatchObject({
    lines: ['deb https://apt.example.org/d stable main'],
    notes: ['apt: a key that stands in its entry stays outside'],
  })
})

test('an entry that names a list of mirrors is told as the first of them', () => {
  const sources = parseList('deb mirror+file:/etc/apt/mirrors/d.list stable main')
  expect(mirrorFiles(sources)).toEqual(['/etc/apt/mirrors/d.list'])
  const lists = new Map([
    ['/etc/apt/mirrors/d.list', '# ours\nhttp://near.example.org/d\tpriority:1\nhttps://far.example.org/d\n'],
  ])
  expect(inside(sources, '', lists).lines).toEqual(['deb http://near.example.org/d stable main'])
})

test.each([
  ['Acquire::http::Proxy "http://u:s3cret@proxy.example.org:3128";', 1],
  ['Acquire::HTTPS::Proxy::apt.example.org "http://proxy.example.org";', 1],
  ['Acquire::http::Proxy "DIRECT";', 0],
  ['Acquire::http::Proxy "";\nAcquire::http::Timeout "9";', 0],
])('a proxy is said and not opened: %j', (config, notes) => {
  const said = inside(parseList('deb http://apt.example.org/d stable main'), config)
  expect(said).toMatchObject({ hosts: ['apt.example.org:80'] })
  expect(said.notes).toHaveLength(notes)
  expect(JSON.stringify(said)).not.toContain('s3cret')
})

test('nothing in an entry becomes another line or option', () => {
  const sources = [
    { type: 'deb' as const, uri: 'https://apt.example.org/a\nb', suite: 's\nt', components: [], options: {} },
    {
      type: 'deb' as const,
      uri: 'https://apt.example.org/a]',
      suite: 's',
      components: [],
      options: { arch: 'a] https://x.example.org', 'b c': 'd' },
    },
  ]
  expect(inside(sources).lines).toEqual(['deb https://apt.example.org/a] s'])
})
