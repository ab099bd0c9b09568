// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { address, policyOf, REGISTRIES } from '../../test/network-policy.ts'
import { formatAddress } from './address.ts'
import { type ExplainFacts, explain } from './explain.ts'
import { readTarget } from './explain-target.ts'

function factsWith(...addresses: readonly string[]): ExplainFacts {
  return { addresses: addresses.map(address), hostAddresses: new Set(), presetHosts: REGISTRIES }
}

describe('an explanation', () => {
  test('gives the verdict and what every rule says, also those behind the one that decided', () => {
    const policy = policyOf(['deny *.evil.org', 'allow 10.0.0.0/8', 'allow api.example.com 443', 'allow'])
    expect(explain(policy, 'https://API.example.com/v1?x=1', factsWith('93.184.216.34'))).toEqual({
      verdict: 'allow',
      rule: 2,
      reason: 'rule 2 allows api.example.com on port 443',
      steps: [
        { rule: 0, matches: false, why: 'deny *.evil.org: no name of the connection fits' },
        { rule: 1, matches: false, why: 'allow 10.0.0.0/8: 10.0.0.0/8 does not contain 93.184.216.34' },
        { rule: 2, matches: true, why: 'allow api.example.com: api.example.com fits' },
        { rule: 3, matches: true, why: 'allow every public address: the address is public' },
        { rule: null, matches: false, why: 'the default is deny' },
      ],
    })
  })

  test('tells of a name that may not be looked up, though its address could be reached', () => {
    const policy = policyOf(['allow 10.0.0.0/8'])
    expect(explain(policy, 'tcp://db.internal:5432', factsWith('10.0.0.9'))).toMatchObject({
      verdict: 'deny',
      rule: null,
      reason: 'db.internal may not be looked up: no rule allows it',
      steps: [
        { rule: null, matches: true, why: 'db.internal may not be looked up: no rule allows it' },
        { rule: 0, matches: true },
        { rule: null, matches: false },
      ],
    })
    expect(explain(policy, 'tcp://10.0.0.9:5432', factsWith())).toMatchObject({ verdict: 'allow', rule: 0 })
  })

  test('of several addresses tells of one that is denied', () => {
    expect(explain(policyOf(['allow']), 'http://a.example', factsWith('1.1.1.1', '10.0.0.1'))).toMatchObject({
      verdict: 'deny',
      rule: null,
      reason: 'to 10.0.0.1: 10.0.0.1 is a private address, which only a cidr rule can allow',
    })
  })

  test.each([
    ['https://a.example', ['allow'], ['1.1.1.1'], 'allow', 'rule 0 allows every public address'],
    ['a.example:22', ['allow a.example 22'], ['1.1.1.1'], 'allow', 'rule 0 allows a.example on port 22'],
    ['a.example:23', ['allow a.example 22'], ['1.1.1.1'], 'deny', 'no rule allows it'],
    ['https://a.example', ['allow'], [], 'deny', 'a.example has no address'],
    ['https://127.0.0.1', ['allow 127.0.0.1'], [], 'deny', 'a guard denies every loopback address'],
    [
      'https://1.1.1.1',
      ['allow *.example', 'deny a.example', 'allow'],
      [],
      'allow',
      'rule 2 allows every public address',
    ],
    ['https://', ['allow'], [], 'deny', 'this is no URL, and no host:port'],
  ] as const)('of %s under %j with %j is %s: %s', (url, rules, addresses, verdict, reason) => {
    expect(explain(policyOf(rules), url, factsWith(...addresses))).toMatchObject({ verdict, reason })
  })

  test('is given for any text', () => {
    const policy = policyOf(['deny evil.example', 'allow *.example', 'allow public-internet'])
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.webUrl(), fc.string()), (url) => {
        expect(['allow', 'deny']).toContain(explain(policy, url, factsWith('1.1.1.1')).verdict)
      }),
      { numRuns: 2000 },
    )
  })
})

describe('the target of a URL', () => {
  test.each([
    ['https://Example.com/x', 'tls', 'example.com', 443],
    ['HTTPS://example.com.:8443', 'tls', 'example.com', 8443],
    ['https://example.com:80', 'tls', 'example.com', 80],
    ['http://example.com', 'http', 'example.com', 80],
    ['wss://example.com', 'tls', 'example.com', 443],
    ['tcp://example.com:80', 'tcp', 'example.com', 80],
    ['example.com:22', 'tcp', 'example.com', 22],
    ['[::1]:22', 'tcp', '::1', 22],
    ['https://[2606:4700:0::1111]', 'tls', '2606:4700::1111', 443],
    ['http://127.1', 'http', '127.0.0.1', 80],
    ['http://2130706433', 'http', '127.0.0.1', 80],
    ['http://bücher.example', 'http', 'xn--bcher-kva.example', 80],
  ])('%s is %s to %s, port %d', (text, protocol, host, port) => {
    const target = readTarget(text)
    expect(target).toMatchObject({ protocol, host, port })
    if (target?.address != null) expect(formatAddress(target.address)).toBe(host)
  })

  test.each([
    ...['', 'example.com', 'tcp://example.com', 'ftp://example.com', 'https://', 'https://u:p@example.com', 'a b:80'],
    ...['example.com:0', 'example.com:99999', 'javascript:alert(1)', 'https://example.com:x', '::1:22', 'tcp://*.a:1'],
  ])('of %j there is none', (text) => {
    expect(readTarget(text)).toBeUndefined()
  })
})
