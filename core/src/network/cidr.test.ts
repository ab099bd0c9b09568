// SPDX-License-Identifier: Apache-2.0
import { Cidr } from '@isola/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { address } from '../../test/network-policy.ts'
import { type CidrBlock, cidrContains, parseCidr } from './cidr.ts'

describe('a block of addresses', () => {
  test.each([
    ['10.0.0.0/8', '10.255.0.1', true],
    ['10.0.0.0/8', '11.0.0.0', false],
    ['10.1.2.3/8', '10.9.9.9', true],
    ['10.0.0.0/8', '::ffff:10.0.0.1', true],
    ['10.0.0.0/8', '::ffff:a00:1', true],
    ['10.0.0.0/8', '64:ff9b::a00:1', false],
    ['0.0.0.0/0', '255.255.255.255', true],
    ['0.0.0.0/0', '::1', false],
    ['::/0', '2606:4700::1', true],
    ['::/0', '1.1.1.1', false],
    ['1.2.3.4', '1.2.3.4', true],
    ['1.2.3.4', '1.2.3.5', false],
    ['::1', '::1', true],
    ['2001:db8::/33', '2001:db8:7fff::', true],
    ['2001:db8::/33', '2001:db8:8000::', false],
    ['::ffff:10.0.0.0/104', '10.1.1.1', true],
    ['::ffff:10.0.0.0/104', '11.1.1.1', false],
    ['::ffff:10.0.0.1', '10.0.0.1', true],
    ['::ffff:0:0/96', '8.8.8.8', true],
    ['::ffff:0:0/80', '::1', true],
    ['::ffff:0:0/80', '8.8.8.8', false],
  ])('%s contains %s: %s', (text, inside, expected) => {
    expect(cidrContains(parseCidr(text) as CidrBlock, address(inside))).toBe(expected)
  })

  test.each(['', '/', '10.0.0.0/', '10.0.0.0/33', '10.0.0.0/-1', '10.0.0.0/8/8', '::/129', '10/8', 'x/8', '::1/ 8'])(
    '%j is none',
    (text) => {
      expect(parseCidr(text)).toBeUndefined()
    },
  )

  test('can be read whenever the contract accepts it', () => {
    const prefixes = fc.option(fc.integer({ min: 0, max: 140 }))
    const texts = fc.oneof(fc.ipV4(), fc.ipV6(), fc.string({ unit: fc.constantFrom(...'012abF:.:::'.split('')) }))
    fc.assert(
      fc.property(texts, prefixes, (text, prefix) => {
        const cidr = prefix === null ? text : `${text}/${prefix}`
        expect(parseCidr(cidr) !== undefined).toBe(Cidr.safeParse(cidr).success)
      }),
      { numRuns: 2000 },
    )
  })
})
