// SPDX-License-Identifier: Apache-2.0
import { NetworkPolicy, type NetworkRule } from '@isola/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { address, factsOf, REGISTRIES } from '../../test/network-policy.ts'
import { type Address, formatAddress } from './address.ts'
import { addressClass } from './address-class.ts'
import { cidrContains, parseCidr } from './cidr.ts'
import type { FirstBytes } from './connection-names.ts'
import { type ConnectionFacts, decideConnection, decideRequest } from './decide-connection.ts'
import { decideName } from './decide-name.ts'

const NAMES = ['a.example', 'b.example', 'x.a.example', 'evil.org', 'pypi.example.org']
const ADDRESSES = [
  ...['93.184.216.34', '1.1.1.1', '2606:4700::1111', '10.0.0.1', '192.168.7.7', '169.254.169.254', '100.100.100.200'],
  ...[
    '127.0.0.1',
    '0.0.0.0',
    '224.0.0.1',
    '255.255.255.255',
    '::1',
    'fd00::1',
    'fe80::1',
    '64:ff9b::a00:1',
    '240.0.0.1',
  ],
  ...['2002:a9fe:a9fe::', '198.18.0.1', '2001:db8::1', '168.63.129.16'],
].map(address)

const ports = fc.constantFrom(22, 80, 443, 8081)
const limits = fc.constantFrom<Partial<NetworkRule>>({}, {}, { ports: ['443'] }, { ports: ['22', '80-100'] })
const places = fc.constantFrom<Partial<NetworkRule>>(
  {},
  { preset: 'public-internet' },
  { preset: 'package-registries' },
  ...['a.example', '*.a.example', '.example', 'evil.org'].map((domain) => ({ domain })),
  ...['10.0.0.0/8', '0.0.0.0/0', '::/0', '64:ff9b::/96', '169.254.169.254', 'fd00::/8'].map((cidr) => ({ cidr })),
)
const actions = fc.constantFrom('allow', 'deny')
const rules = fc
  .tuple(actions, places, limits)
  .map(([action, place, limit]): NetworkRule => ({ action, ...place, ...limit }))
const policies = fc
  .tuple(fc.array(rules, { maxLength: 6 }), actions)
  .map(([list, fallback]) => NetworkPolicy.parse({ rules: list, default: fallback }))
const said = fc.oneof(fc.constantFrom(...NAMES, 'A.Example.', '10.0.0.1'), fc.string(), fc.constant(null))
const knownBytes = fc.oneof(
  fc.constantFrom<Exclude<FirstBytes, 'unknown'>>('none', { kind: 'other' }, { kind: 'malformed' }),
  said.map((serverName) => ({ kind: 'tls' as const, serverName })),
  said.map((host) => ({ kind: 'http' as const, host })),
)
const facts = fc
  .tuple(fc.subarray(NAMES), fc.oneof(knownBytes, fc.constant('unknown' as const)), fc.boolean())
  .map(([pinnedNames, firstBytes, isHost]) =>
    factsOf({ pinnedNames, firstBytes, hostAddresses: new Set(isHost ? ['93.184.216.34'] : []) }),
  )
const destinations = fc.record({
  address: fc.oneof(fc.constantFrom(...ADDRESSES), fc.oneof(fc.ipV4(), fc.ipV6()).map(address)),
  port: ports,
})

function isOnlyForBlocks(to: Address, { hostAddresses }: ConnectionFacts): boolean {
  return addressClass(to) !== 'public' || (hostAddresses.size > 0 && to === ADDRESSES[0])
}

describe('every decision', () => {
  test('that lets out to an address which is not public, or the host, rests on a block that contains it or on a mirror', () => {
    fc.assert(
      fc.property(policies, destinations, facts, (policy, to, known) => {
        const decision = decideConnection(policy, to, known)
        if (decision.verdict === 'deny' || !isOnlyForBlocks(to.address, known)) return
        const { action, cidr, preset } = policy.rules[decision.rule as number] as NetworkRule
        // A mirror of the operator's: in the operator's network, and never the machine or its cloud.
        if (preset === 'package-registries') {
          expect(['private', 'reserved']).toContain(addressClass(to.address))
          expect(known.hostAddresses.has(formatAddress(to.address))).toBe(false)
          return
        }
        const block = parseCidr(cidr as string)
        expect(action).toBe('allow')
        expect(block !== undefined && cidrContains(block, to.address)).toBe(true)
      }),
      { numRuns: 5000 },
    )
  })

  test('is to deny when a rule in front denies everything', () => {
    fc.assert(
      fc.property(policies, destinations, facts, said, (policy, to, known, name) => {
        const closed = { ...policy, rules: [{ action: 'deny' as const }, ...policy.rules] }
        expect(decideConnection(closed, to, known)).toMatchObject({ verdict: 'deny' })
        expect(decideConnection(closed, to, known).needsFirstBytes).toBeUndefined()
        expect(decideRequest(closed, { ...to, host: name }, known).verdict).toBe('deny')
        expect(decideName(closed, name ?? '', REGISTRIES).verdict).toBe('deny')
      }),
    )
  })

  test('names the rule that has its action, and gives a reason in one line of plain text', () => {
    fc.assert(
      fc.property(policies, destinations, facts, (policy, to, known) => {
        const { verdict, rule, reason } = decideConnection(policy, to, known)
        if (rule !== null) expect(policy.rules[rule]?.action).toBe(verdict)
        expect(reason).toMatch(/^[ -~]{5,600}$/)
      }),
      { numRuns: 2000 },
    )
  })

  test('that was final before the first bytes is the same after them, and one that waited was open', () => {
    fc.assert(
      fc.property(policies, destinations, facts, knownBytes, (policy, to, known, firstBytes) => {
        const early = decideConnection(policy, to, { ...known, firstBytes: 'unknown' })
        const late = decideConnection(policy, to, { ...known, firstBytes })
        expect(late.needsFirstBytes).toBeUndefined()
        if (early.needsFirstBytes === undefined) expect(late.verdict).toBe(early.verdict)
        else expect(early.verdict).toBe('deny')
      }),
      { numRuns: 5000 },
    )
  })

  test('about bytes that had to be waited for could go either way', () => {
    fc.assert(
      fc.property(policies, destinations, facts, (policy, to, known) => {
        if (decideConnection(policy, to, { ...known, firstBytes: 'unknown' }).needsFirstBytes !== true) return
        const sayings: readonly FirstBytes[] = [
          { kind: 'malformed' },
          { kind: 'tls', serverName: 'unheard-of.test' },
          ...NAMES.map((serverName) => ({ kind: 'tls' as const, serverName })),
        ]
        const verdicts = sayings.map((firstBytes) => decideConnection(policy, to, { ...known, firstBytes }).verdict)
        expect(new Set(verdicts).size).toBe(2)
      }),
      { numRuns: 2000 },
    )
  })

  test('for a request is that for a connection which begins with it', () => {
    fc.assert(
      fc.property(policies, destinations, facts, said, (policy, to, known, host) => {
        const connection = decideConnection(policy, to, { ...known, firstBytes: { kind: 'http', host } })
        expect(decideRequest(policy, { ...to, host }, known)).toEqual(connection)
      }),
    )
  })

  test('to let a named connection out by a name means that the name may be looked up', () => {
    fc.assert(
      fc.property(policies, destinations, facts, fc.constantFrom(...NAMES), (policy, to, known, serverName) => {
        const decision = decideConnection(policy, to, { ...known, firstBytes: { kind: 'tls', serverName } })
        const rule = decision.rule === null ? undefined : policy.rules[decision.rule]
        if (decision.verdict === 'deny' || (rule?.domain === undefined && rule?.preset !== 'package-registries')) return
        // Denied only for addresses that are not public, which a look-up cannot know.
        const earlier = policy.rules.slice(0, decision.rule ?? 0)
        if (earlier.some(({ action, preset }) => action === 'deny' && preset === 'public-internet')) return
        expect(decideName(policy, serverName, REGISTRIES).verdict).toBe('allow')
      }),
      { numRuns: 5000 },
    )
  })

  test('is made without an exception, whatever comes', () => {
    const anything = fc.record({ address: fc.constantFrom(...ADDRESSES), port: fc.oneof(fc.integer(), fc.double()) })
    fc.assert(
      fc.property(policies, anything, said, fc.array(fc.string()), (policy, to, text, pinnedNames) => {
        const known = factsOf({ pinnedNames, firstBytes: { kind: 'http', host: text } })
        expect(['allow', 'deny']).toContain(decideConnection(policy, to, known).verdict)
        expect(['allow', 'deny']).toContain(decideConnection(policy, to, { ...known, firstBytes: 'unknown' }).verdict)
        expect(['allow', 'deny']).toContain(decideName(policy, text ?? '', REGISTRIES).verdict)
      }),
      { numRuns: 2000 },
    )
  })
})
