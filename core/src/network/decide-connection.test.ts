// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest'
import { address, factsOf, policyOf } from '../../test/network-policy.ts'
import type { FirstBytes } from './connection-names.ts'
import { decideConnection, decideRequest } from './decide-connection.ts'

interface Given {
  readonly to?: string
  readonly port?: number
  readonly pinned?: readonly string[]
  readonly says?: FirstBytes
  readonly fallback?: 'allow' | 'deny'
  readonly own?: readonly string[]
}
type Row = readonly [what: string, rules: readonly string[], given: Given, expected: string]

const PUBLIC = '93.184.216.34'
const A = 'a.example'
const B = 'b.example'

function sni(serverName: string | null): FirstBytes {
  return { kind: 'tls', serverName }
}

function host(name: string | null): FirstBytes {
  return { kind: 'http', host: name }
}

function decide(rules: readonly string[], given: Given) {
  const { to = PUBLIC, port = 443, pinned = [], says = 'none', fallback = 'deny', own = [] } = given
  const facts = factsOf({ pinnedNames: pinned, firstBytes: says, hostAddresses: new Set(own) })
  return decideConnection(policyOf(rules, fallback), { address: address(to), port }, facts)
}

/** `allow 0`: rule 0 allows; `deny`: without a rule; `ask`: the first bytes are needed. */
function outcome(rules: readonly string[], given: Given): string {
  const { verdict, rule, needsFirstBytes } = decide(rules, given)
  if (needsFirstBytes) return verdict === 'deny' ? 'ask' : 'asks, but allows what asks for nothing'
  return rule === null ? verdict : `${verdict} ${rule}`
}

describe('a connection', () => {
  const rows: readonly Row[] = [
    ['no rules', [], {}, 'deny'],
    ['default allow, public address', [], { fallback: 'allow' }, 'allow'],
    ['default allow, private address', [], { fallback: 'allow', to: '10.0.0.1' }, 'deny'],
    ['default allow, address of the host', [], { fallback: 'allow', own: [PUBLIC] }, 'deny'],
    ['public-internet', ['allow public-internet'], {}, 'allow 0'],
    ['no destination', ['allow'], {}, 'allow 0'],
    ['public-internet, IPv6', ['allow public-internet'], { to: '2606:4700::1111' }, 'allow 0'],
    ['public-internet, private address', ['allow public-internet'], { to: '192.168.1.1' }, 'deny'],
    ['public-internet, metadata', ['allow public-internet'], { to: '169.254.169.254' }, 'deny'],
    ['public-internet, address of the host', ['allow'], { own: [PUBLIC] }, 'deny'],
    ['block', ['allow 10.0.0.0/8'], { to: '10.1.2.3' }, 'allow 0'],
    ['block, outside', ['allow 10.0.0.0/8'], { to: '11.1.2.3' }, 'deny'],
    ['block, address of the host', [`allow ${PUBLIC}`], { own: [PUBLIC] }, 'allow 0'],
    ['block, metadata named on purpose', ['allow 169.254.169.254'], { to: '169.254.169.254' }, 'allow 0'],
    ['block, without looking at the name', ['allow 10.0.0.0/8'], { to: '10.1.2.3', says: sni('x.org') }, 'allow 0'],
    ['first match: deny, allow', ['deny 10.1.0.0/16', 'allow 10.0.0.0/8'], { to: '10.1.2.3' }, 'deny 0'],
    ['first match: allow, deny', ['allow 10.0.0.0/8', 'deny 10.1.0.0/16'], { to: '10.1.2.3' }, 'allow 0'],
    ['deny everything first', ['deny', 'allow 10.0.0.0/8'], { to: '10.1.2.3' }, 'deny 0'],
    ['deny the internet, allow a block', ['deny public-internet', 'allow 10.0.0.0/8'], { to: '10.1.2.3' }, 'allow 1'],
    ['port inside', ['allow any 80 8000-8999'], { port: 8999 }, 'allow 0'],
    ['port outside', ['allow any 80 8000-8999'], { port: 9000 }, 'deny'],
    ['port of a deny', ['deny any 25', 'allow'], { port: 25 }, 'deny 0'],
    ['another port than that of a deny', ['deny any 25', 'allow'], { port: 26 }, 'allow 1'],
  ]
  test.each(rows)('by address: %s: %j, %j → %s', (_what, rules, given, expected) => {
    expect(outcome(rules, given)).toBe(expected)
  })

  const named: readonly Row[] = [
    ['SNI, pinned and allowed', [`allow ${A}`], { pinned: [A], says: sni(A) }, 'allow 0'],
    ['Host, pinned and allowed', [`allow ${A}`], { pinned: [A], says: host(A) }, 'allow 0'],
    ['Host with a port', [`allow ${A}`], { pinned: [A], says: host(`${A}:8080`) }, 'allow 0'],
    ['upper case and dot', [`allow ${A}`], { pinned: [A], says: sni('A.Example.') }, 'allow 0'],
    ['pattern', ['allow *.example'], { pinned: [A], says: sni(A) }, 'allow 0'],
    ['another port', [`allow ${A} 443`], { pinned: [A], says: sni(A), port: 8443 }, 'deny'],
    ['allowed, but not pinned here', [`allow ${A}`], { pinned: [B], says: sni(A) }, 'deny'],
    ['pinned, but not allowed', [`allow ${A}`], { pinned: [A, B], says: sni(B) }, 'deny'],
    ['no bytes, one pinned name', [`allow ${A} 22`], { pinned: [A], port: 22 }, 'allow 0'],
    ['other bytes, one pinned name', [`allow ${A}`], { pinned: [A], says: { kind: 'other' } }, 'allow 0'],
    ['no bytes, nothing pinned', [`allow ${A}`], {}, 'deny'],
    ['no name, each pinned one allowed', ['allow *.example'], { pinned: [A, B], says: sni(null) }, 'allow 0'],
    ['no name, each allowed by its rule', [`allow ${A}`, `allow ${B}`], { pinned: [B, A], says: sni(null) }, 'allow 1'],
    ['no name, one of them not allowed', [`allow ${A}`], { pinned: [A, B], says: sni(null) }, 'deny'],
    ['no Host, one of them not allowed', [`allow ${A}`], { pinned: [A, B], says: host(null) }, 'deny'],
    ['no name, one of them denied later', [`allow ${A}`, `deny ${B}`, 'allow'], { pinned: [A, B] }, 'deny 1'],
    ['no name, the rest public', [`allow ${A}`, 'allow'], { pinned: [A, B] }, 'allow 1'],
    ['no name, one allowed on another port', [`allow ${A}`, `allow ${B} 22`], { pinned: [A, B] }, 'deny'],
    ['SNI that is denied', [`deny ${A}`, 'allow'], { says: sni(A) }, 'deny 0'],
    ['SNI that is not denied', [`deny ${A}`, 'allow'], { says: sni(B) }, 'allow 1'],
    ['Host that is denied', [`deny ${A}`, 'allow'], { says: host(`${A}.:80`) }, 'deny 0'],
    ['pinned name that is denied', [`deny ${A}`, 'allow'], { pinned: [B, A], says: sni(B) }, 'deny 0'],
    ['pinned name, private address', [`deny ${A}`, 'allow 10.0.0.0/8'], { pinned: [A], to: '10.0.0.1' }, 'deny 0'],
    ['deny after allow', [`allow ${A}`, 'deny *.example'], { pinned: [A], says: sni(A) }, 'allow 0'],
    ['allow after deny', ['deny *.example', `allow ${A}`], { pinned: [A], says: sni(A) }, 'deny 0'],
  ]
  test.each(named)('by name: %s: %j, %j → %s', (_what, rules, given, expected) => {
    expect(outcome(rules, given)).toBe(expected)
  })

  const preset: readonly Row[] = [
    [
      'its host',
      ['allow package-registries'],
      { pinned: ['pypi.example.org'], says: sni('pypi.example.org') },
      'allow 0',
    ],
    ['its host, not pinned', ['allow package-registries'], { says: sni('pypi.example.org') }, 'deny'],
    ['its host, another port', ['allow package-registries'], { pinned: ['pypi.example.org'], port: 22 }, 'deny'],
    ['a mirror', ['allow package-registries'], { pinned: ['mirror.example.net'], port: 8081 }, 'allow 0'],
    [
      'other ports',
      ['allow package-registries 80'],
      { pinned: ['pypi.example.org'], says: sni('pypi.example.org') },
      'deny',
    ],
    ['another host', ['allow package-registries'], { pinned: [A], says: sni(A) }, 'deny'],
    ['denied', ['deny package-registries', 'allow'], { says: sni('npm.example.org') }, 'deny 0'],
    [
      'a mirror in the operator`s network',
      ['allow package-registries'],
      { pinned: ['mirror.example.net'], to: '10.0.0.5', port: 8081 },
      'allow 0',
    ],
    [
      'a host that points at the cloud`s services',
      ['allow package-registries'],
      { pinned: ['mirror.example.net'], to: '169.254.169.254', port: 8081 },
      'deny',
    ],
    ['a mirror that is an address', ['allow package-registries'], { to: '10.0.0.5', port: 4873 }, 'deny'],
  ]
  test.each(preset)('by a preset of hosts: %s: %j, %j → %s', (_what, rules, given, expected) => {
    expect(outcome(rules, given)).toBe(expected)
  })

  const unknown: readonly Row[] = [
    ['a pinned name is allowed', [`allow ${A}`], { pinned: [A] }, 'ask'],
    ['no pinned name is allowed', [`allow ${A}`], { pinned: [B] }, 'deny'],
    ['nothing is pinned', [`allow ${A}`], {}, 'deny'],
    ['its port is not allowed', [`allow ${A} 443`], { pinned: [A], port: 22 }, 'deny'],
    ['its address is private', [`allow ${A}`], { pinned: [A], to: '10.0.0.1' }, 'deny'],
    ['all public ones are allowed anyway', [`allow ${A}`, 'allow'], { pinned: [A] }, 'allow 1'],
    ['a denied name could come', [`deny ${A}`, 'allow'], {}, 'ask'],
    ['a denied name is pinned', [`deny ${A}`, 'allow'], { pinned: [A] }, 'deny 0'],
    ['a denied name could come, and all is denied', [`deny ${A}`, `allow ${B}`], {}, 'deny'],
    ['a denied name could come, too late', ['allow', `deny ${A}`], {}, 'allow 0'],
    ['a denied name on another port', [`deny ${A} 25`, 'allow'], {}, 'allow 1'],
    ['a denied host of a preset could come', ['deny package-registries', 'allow'], {}, 'ask'],
    ['a preset has no host on this port', ['deny package-registries', 'allow'], { port: 22 }, 'allow 1'],
    ['a guard decides', [`allow ${A}`], { pinned: [A], to: '127.0.0.1' }, 'deny'],
    ['a block decides', ['allow 10.0.0.0/8', `allow ${A}`], { pinned: [A], to: '10.0.0.1' }, 'allow 0'],
    ['the default decides', [], { fallback: 'allow' }, 'allow'],
  ]
  test.each(unknown)(
    'waits for its first bytes only if they matter: %s: %j, %j → %s',
    (_what, rules, given, expected) => {
      expect(outcome(rules, { ...given, says: 'unknown' })).toBe(expected)
    },
  )

  const reasons: readonly Row[] = [
    ['a rule', ['allow a.example', 'deny 93.0.0.0/8'], {}, 'rule 1 denies 93.0.0.0/8'],
    ['no rule', [`allow ${A}`], { says: sni('x.org') }, 'no rule allows it'],
    ['a guard', ['allow'], { to: '127.0.0.1' }, 'a guard denies every loopback address'],
    ['an SNI', [`allow ${A}`], { says: sni(A) }, `the server name ${A} was not looked up here, or has another address`],
    ['a Host', [`allow ${A}`], { says: host(A) }, `the host ${A} was not looked up here, or has another address`],
    ['an address', ['allow'], { to: '10.0.0.1' }, '10.0.0.1 is a private address, which only a cidr rule can allow'],
    [
      'a host address',
      [],
      { fallback: 'allow', own: [PUBLIC] },
      `${PUBLIC} is an address of the host, which only a cidr rule can allow`,
    ],
    [
      'a rebound name',
      [`allow ${A}`],
      { pinned: [A], says: sni(A), to: '169.254.169.254' },
      `${A} was looked up, but 169.254.169.254 is a metadata address, which only a cidr rule can allow`,
    ],
    [
      'no name',
      [`allow ${A}`],
      { pinned: [A, B] },
      'it gave no name, and not every name that was answered with its address is allowed',
    ],
    ['unknown bytes', [`allow ${A}`], { pinned: [A], says: 'unknown' }, 'its first bytes are needed to decide'],
  ]
  test.each(reasons)('is told why: %s: %j, %j → %s', (_what, rules, given, expected) => {
    expect(decide(rules, given).reason).toBe(expected)
  })
})

describe('a request on an open connection', () => {
  function decideFor(name: string | null, rules: readonly string[]) {
    const facts = { ...factsOf({ pinnedNames: [A, B] }) }
    return decideRequest(policyOf(rules), { host: name, address: address(PUBLIC), port: 80 }, facts)
  }

  test('is judged by its own host, whatever came before it', () => {
    expect(decideFor(A, [`allow ${A}`])).toMatchObject({ verdict: 'allow', rule: 0 })
    expect(decideFor(B, [`allow ${A}`])).toMatchObject({ verdict: 'deny', rule: null })
    expect(decideFor('c.example', ['allow *.example'])).toMatchObject({ verdict: 'deny', rule: null })
    expect(decideFor('c.example', ['deny c.example', 'allow'])).toMatchObject({ verdict: 'deny', rule: 0 })
  })

  test('without a host may mean every name of the address', () => {
    expect(decideFor(null, [`allow ${A}`])).toMatchObject({ verdict: 'deny' })
    expect(decideFor(null, [`allow ${A}`, `allow ${B}`])).toMatchObject({ verdict: 'allow' })
  })
})
