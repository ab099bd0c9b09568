// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest'
import { address, factsOf, policyOf } from '../../test/network-policy.ts'
import type { FirstBytes } from './connection-names.ts'
import { decideConnection } from './decide-connection.ts'
import { NamePins } from './name-pins.ts'

const CDN = '104.16.0.1'
const ALL_KINDS: readonly FirstBytes[] = [
  'unknown',
  'none',
  { kind: 'other' },
  { kind: 'malformed' },
  ...[null, 'good.example', 'evil.example', '127.0.0.1', ''].flatMap((name): readonly FirstBytes[] => [
    { kind: 'tls', serverName: name },
    { kind: 'http', host: name },
  ]),
]

function verdict(rules: readonly string[], to: string, pinnedNames: readonly string[], firstBytes: FirstBytes) {
  const facts = factsOf({ pinnedNames, firstBytes, hostAddresses: new Set(['198.41.0.4', '2a00::7']) })
  return decideConnection(policyOf(rules), { address: address(to), port: 443 }, facts).verdict
}

describe('an attacker inside', () => {
  test.each(['10.0.0.1', '169.254.169.254', '127.0.0.1', '::1', 'fd00::1', '198.41.0.4', '2a00::7', '::ffff:10.0.0.1'])(
    'who owns an allowed domain and lets it answer with %s (rebinding) reaches nothing',
    (inner) => {
      for (const firstBytes of ALL_KINDS)
        expect(verdict(['allow *.example', 'allow public-internet'], inner, ['good.example'], firstBytes)).toBe('deny')
    },
  )

  test.each([
    ...['::ffff:169.254.169.254', '::ffff:a9fe:a9fe', '64:ff9b::a9fe:a9fe', '2002:a9fe:a9fe::1', '::a9fe:a9fe'],
    ...['::ffff:7f00:1', '64:ff9b::7f00:1', '64:ff9b:1::a9fe:a9fe', '::ffff:0:a00:1', '2001:0:a9fe:a9fe::'],
    ...['64:ff9b::198.41.0.4', '2002:c629:4::1', '::ffff:198.41.0.4'],
  ])('who writes an inner address as %s reaches nothing', (form) => {
    for (const firstBytes of ALL_KINDS) expect(verdict(['allow'], form, [], firstBytes)).toBe('deny')
  })

  test.each(['127.0.0.1', '::1', '0.0.0.0', '::', '224.0.0.1', 'ff02::1', '255.255.255.255', '64:ff9b::7f00:1'])(
    'who was given all blocks still meets a guard at %s',
    (guarded) => {
      const rules = ['allow 0.0.0.0/0', 'allow ::/0', `allow ${guarded}`, 'allow']
      for (const firstBytes of ALL_KINDS) expect(verdict(rules, guarded, [], firstBytes)).toBe('deny')
    },
  )

  test.each(['64:ff9b::a01:203', '2002:a01:203::1', '::a01:203', '::ffff:a01:203'])(
    'who writes an address of a denied block as %s is denied, though all of IPv6 is allowed',
    (form) => {
      expect(verdict(['deny 10.0.0.0/8', 'allow ::/0', 'allow 0.0.0.0/0'], form, [], 'none')).toBe('deny')
    },
  )

  test('who says an allowed name to an address of his own (false SNI) is denied', () => {
    const says = { kind: 'tls', serverName: 'good.example' } as const
    expect(verdict(['allow good.example'], '66.66.66.66', [], says)).toBe('deny')
    expect(verdict(['allow good.example', 'allow mine.example'], '66.66.66.66', ['mine.example'], says)).toBe('deny')
  })

  test.each(['evil.example', 'EVIL.example.', 'good.example.evil.example', 'evil-good.example', 'xgood.example'])(
    'who says %s to the address that a good name shares with it (domain fronting) is denied',
    (name) => {
      for (const kind of ['tls', 'http'] as const) {
        const says = kind === 'tls' ? { kind, serverName: name } : { kind, host: name }
        expect(verdict(['allow good.example'], CDN, ['good.example'], says)).toBe('deny')
      }
    },
  )

  test.each([
    '104.16.0.1',
    '::1',
    '127.1',
    '0x7f.1',
    'good.example/',
    'good.example\n',
    'x good.example',
    ' ',
    '*.example',
  ])('who gives %j as a name is not let in by a name', (name) => {
    expect(verdict(['allow *.example'], CDN, ['good.example'], { kind: 'tls', serverName: name })).toBe('deny')
    expect(verdict(['allow *.example'], CDN, ['good.example'], { kind: 'http', host: name })).toBe('deny')
  })

  test.each([
    'EVIL.example',
    'evil.example.',
    'evil.example:443',
    'evil.example:',
    'evil.example.:80',
    'u@evil.example',
  ])('who writes a denied Host as %s is denied, though the rest is allowed', (name) => {
    expect(verdict(['deny evil.example', 'allow'], CDN, [], { kind: 'http', host: name })).toBe('deny')
  })

  test('who breaks the ClientHello does not hide a denied name by that', () => {
    expect(verdict(['deny evil.example', 'allow'], CDN, [], { kind: 'malformed' })).toBe('deny')
    expect(verdict(['allow good.example'], CDN, ['good.example'], { kind: 'malformed' })).toBe('deny')
    expect(verdict(['allow'], CDN, [], { kind: 'malformed' })).toBe('allow')
  })

  test('who floods the pins gets nothing that he did not have, and loses what he had', () => {
    const pins = new NamePins()
    const cdn = address(CDN)
    pins.pin('good.example', [cdn], 60_000, 0)
    for (let index = 0; index < 2000; index++) pins.pin(`n${index}.mine.example`, [cdn], 60_000, 0)
    const names = pins.namesOf(cdn, 0)
    expect(names).not.toContain('good.example')
    expect(verdict(['allow good.example'], CDN, names, { kind: 'tls', serverName: 'good.example' })).toBe('deny')
    expect(verdict(['allow good.example'], CDN, names, 'none')).toBe('deny')
  })
})
