// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest'
import { cargoFacts } from './registry-cargo.ts'
import { mergeFacts } from './registry-facts.ts'
import { goFacts } from './registry-go.ts'
import { npmFacts } from './registry-npm.ts'
import { pipFacts } from './registry-pip.ts'

const https = (host: string) => ({ host, port: 443 })

test('npm: the registry and those of scopes, never a token', () => {
  const facts = npmFacts(
    JSON.stringify({
      registry: 'https://ci:s3cret@npm.example.org/all/',
      '@acme:registry': 'https://acme.example.org/npm/',
      '//npm.example.org/:_authToken': 's3cret',
      _auth: 's3cret',
      'replace-registry-host': 'npmjs',
      proxy: 'http://u:s3cret@proxy.example.org',
    }),
  )
  expect(facts.hosts).toEqual([https('npm.example.org'), https('acme.example.org')])
  expect(facts.env).toEqual({
    npm_config_registry: 'https://npm.example.org/all/',
    npm_config_globalconfig: '/etc/npmrc',
  })
  expect(facts.files).toEqual([{ path: '/etc/npmrc', content: '@acme:registry=https://acme.example.org/npm/\n' }])
  expect(JSON.stringify(facts)).not.toContain('s3cret')
})

test.each(['', 'npm error', 'null', '[]', '{"registry":5}', '{"registry":null}'])('npm: %j says nothing', (answer) => {
  expect(npmFacts(answer)).toMatchObject({ hosts: [], env: {}, files: [], notes: [] })
})

const PIP_HELP = `
  -i, --index-url <url>       Base URL of the index (default
                              https://packages.example.org/simple). This should point to a repository.
  --extra-index-url <url>     Extra URLs (default https://wrong.example.org).`

test.each<[string, string, Record<string, string>, string[]]>([
  ['its default', '', { PIP_INDEX_URL: 'https://packages.example.org/simple' }, ['packages.example.org']],
  [
    'what is configured',
    "global.index-url='https://u:s3cret@a.example.org/simple'\nglobal.cert='/etc/ca.pem'",
    { PIP_INDEX_URL: 'https://a.example.org/simple' },
    ['a.example.org'],
  ],
  [
    'a variable before a file, a command before all',
    "global.index-url='https://a.example.org/'\ninstall.index-url='https://b.example.org/'\n:env:.index-url='https://c.example.org/'",
    { PIP_INDEX_URL: 'https://c.example.org/' },
    ['c.example.org'],
  ],
  [
    'several extra indexes and trusted hosts',
    "global.index-url='https://a.example.org/'\nglobal.extra-index-url='\\nhttp://b.example.org:81/\\nhttps://x@c.example.org/'\n" +
      "global.trusted-host='b.example.org:81 bad/host'",
    {
      PIP_INDEX_URL: 'https://a.example.org/',
      PIP_EXTRA_INDEX_URL: 'http://b.example.org:81/ https://c.example.org/',
      PIP_TRUSTED_HOST: 'b.example.org:81',
    },
    ['a.example.org', 'b.example.org', 'c.example.org'],
  ],
  ['an index in a directory', 'global.index-url="file:///srv/wheels"', {}, []],
  ['no index', ":env:.no-index='1'\nglobal.index-url='https://a.example.org/'", {}, []],
])('pip: %s', (_, settings, env, hosts) => {
  const facts = pipFacts(settings, PIP_HELP, undefined)
  expect(facts.env).toEqual(env)
  expect(facts.hosts.map(({ host }) => host)).toEqual(hosts)
  expect(JSON.stringify(facts)).not.toContain('s3cret')
})

test('pip: the files of an index may lie elsewhere, which is said, unless pip tells where', () => {
  expect(pipFacts('', PIP_HELP, undefined).notes).toEqual([
    'pip: what the index lists may lie on other hosts; those need a rule of their own',
  ])
  const report = '{"install": [{"download_info": {"url": "https://files.example.net/packages/a.whl"}}]}'
  const facts = pipFacts('', PIP_HELP, report)
  expect(facts.hosts).toContainEqual({ host: 'files.example.net', port: 443 })
  expect(facts.notes).toEqual([])
  expect(pipFacts('', 'no such option', report).notes).toEqual(['pip: it does not say which index it uses'])
})

test.each<[string, Record<string, string>, string[]]>([
  [
    'https://u:s3cret@go.example.org,https://b.example.org/x/|direct\nsum.example.org\n*.corp.example.org,b.example.org/x\n',
    {
      GOPROXY: 'https://go.example.org,https://b.example.org/x|direct',
      GOSUMDB: 'sum.example.org',
      GONOSUMDB: '*.corp.example.org,b.example.org/x',
    },
    ['go.example.org', 'b.example.org', 'sum.example.org'],
  ],
  ['direct\noff\n\n', { GOPROXY: 'direct', GOSUMDB: 'off' }, []],
  ['file:///srv/mod,off\n\n\n', { GOPROXY: 'off' }, []],
  [
    'off\nsum.example.org+ab12+Key/1= https://x@mirror.example.org/sum\n',
    { GOPROXY: 'off', GOSUMDB: 'sum.example.org+ab12+Key/1= https://mirror.example.org/sum' },
    ['mirror.example.org'],
  ],
  ['', {}, []],
])('go: %j', (answer, env, hosts) => {
  const facts = goFacts(answer)
  expect(facts.env).toEqual(env)
  expect(facts.hosts.map(({ host }) => host)).toEqual(hosts)
  expect(JSON.stringify(facts)).not.toContain('s3cret')
})

test('cargo: registries and replaced sources, nothing else of its settings', () => {
  const facts = cargoFacts(
    `
[build]
rustc-wrapper = "sccache" # not inside
[source.crates-io]
replace-with = "mirror"
[source."mirror"]
registry = 'sparse+https://u:s3cret@crates.example.org/index/'
[registries]
acme.index = "https://git.example.org/index"
acme.token = "s3cret"
keyed.index = "ssh://git@git.example.org/index"
[registry]
token = "s3cret"
`,
    { CARGO_REGISTRIES_OTHER_INDEX: 'sparse+https://other.example.org/', CARGO_REGISTRIES_OTHER_TOKEN: 's3cret' },
  )
  expect(facts.hosts.map(({ host }) => host).sort()).toEqual([
    'crates.example.org',
    'git.example.org',
    'other.example.org',
  ])
  expect(facts.env).toEqual({ CARGO_REGISTRIES_OTHER_INDEX: 'sparse+https://other.example.org/' })
  expect(facts.files).toEqual([
    {
      path: '/.cargo/config.toml',
      content: `[source.crates-io]
replace-with = "mirror"

[source.mirror]
registry = "sparse+https://crates.example.org/index/"

[registries.acme]
index = "https://git.example.org/index"
`,
    },
  ])
  expect(JSON.stringify(facts)).not.toContain('s3cret')
})

test('cargo: without settings it has no hosts, and that is said', () => {
  expect(cargoFacts('')).toMatchObject({ hosts: [], env: {}, files: [] })
  expect(cargoFacts('').notes).toHaveLength(1)
})

test('a registry that is an address, or not reached over HTTP, is said without its value', () => {
  expect(npmFacts('{"registry":"http://10.0.0.1:8081/npm/"}')).toMatchObject({
    hosts: [],
    env: { npm_config_registry: 'http://10.0.0.1:8081/npm/' },
    notes: ['npm: http://10.0.0.1:8081/npm/ is an address: it needs a rule with `cidr`'],
  })
  expect(npmFacts('{"registry":"ssh://u:s3cret@npm.example.org"}').notes).toEqual([
    'npm: a registry that is not reached over HTTP is left out (ssh)',
  ])
})

test('a host that several managers use is listed once for each port', () => {
  const facts = mergeFacts([
    npmFacts('{"registry":"https://all.example.org/npm/"}'),
    goFacts('https://all.example.org/go,http://all.example.org/go\noff'),
  ])
  expect(facts.hosts).toEqual([https('all.example.org'), { host: 'all.example.org', port: 80 }])
  expect(facts.env).toMatchObject({ npm_config_registry: 'https://all.example.org/npm/', GOSUMDB: 'off' })
})
