// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { address } from '../../test/network-policy.ts'
import { type AddressClass, addressClass, guardOf } from './address-class.ts'

const EXAMPLES: Readonly<Record<AddressClass, readonly string[]>> = {
  public: [
    ...['1.1.1.1', '8.8.8.8', '9.255.255.255', '11.0.0.0', '100.63.255.255', '100.128.0.0', '126.255.255.255'],
    ...['128.0.0.0', '169.253.255.255', '169.255.0.0', '172.15.255.255', '172.32.0.0', '192.0.1.0', '192.167.255.255'],
    ...['192.169.0.0', '198.17.255.255', '198.20.0.0', '223.255.255.255', '168.63.129.15', '::ffff:8.8.8.8'],
    ...['2606:4700::1111', '2001:4860:4860::8888', '2a00::', '2400::', '3ffe::', '64:ff9b::8.8.8.8', '2002:808:808::'],
  ],
  loopback: ['127.0.0.1', '127.255.255.255', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1', '::127.0.0.1'],
  unspecified: ['0.0.0.0', '0.1.2.3', '0.255.255.255', '::', '::ffff:0.0.0.0', '64:ff9b::', '2002::', '::2'],
  private: [
    ...['10.0.0.0', '10.255.255.255', '172.16.0.0', '172.31.255.255', '192.168.0.0', '192.168.255.255'],
    ...['100.64.0.0', '100.127.255.255', 'fc00::', 'fdff:ffff::', 'fec0::1', 'feff::'],
    ...['::ffff:10.0.0.1', '::ffff:c0a8:101', '64:ff9b::192.168.1.1', '2002:c0a8:101::', '::10.0.0.1'],
  ],
  'link-local': ['169.254.0.0', '169.254.169.253', '169.254.255.255', 'fe80::', 'febf:ffff::1', '64:ff9b::a9fe:1'],
  metadata: [
    ...['169.254.169.254', 'fd00:ec2::254', '100.100.100.200', '192.0.0.192', '168.63.129.16', '169.254.170.2'],
    ...['::ffff:169.254.169.254', '::ffff:a9fe:a9fe', '64:ff9b::a9fe:a9fe', '2002:a9fe:a9fe::', 'fd20:ce::254'],
  ],
  multicast: ['224.0.0.1', '239.255.255.255', 'ff00::', 'ff02::1', '::ffff:224.0.0.1', '64:ff9b::e000:1'],
  reserved: [
    ...['192.0.0.1', '192.0.2.1', '198.18.0.1', '198.19.255.255', '198.51.100.1', '203.0.113.1', '192.88.99.1'],
    ...['240.0.0.1', '255.255.255.255', '2001::1', '2001:0:4136:e378:8000:63bf:3fff:fdd2', '2001:db8::1', '100::1'],
    ...['64:ff9b:1::1', '3fff::1', '5f00::1', '4000::', '1000::', '::ffff:0:a00:1', '2002:f000:1::'],
  ],
}

describe('the class of an address', () => {
  const rows = Object.entries(EXAMPLES).flatMap(([name, texts]) => texts.map((text) => [text, name] as const))
  test.each(rows)('%s is %s', (text, name) => {
    expect(addressClass(address(text))).toBe(name)
  })

  test('is the same in every form that leads to the same IPv4 address', () => {
    fc.assert(
      fc.property(fc.ipV4(), (text) => {
        const hex = address(text).value.toString(16).padStart(8, '0')
        const groups = `${hex.slice(0, 4)}:${hex.slice(4)}`
        const name = addressClass(address(text))
        for (const form of [`::ffff:${text}`, `::ffff:${groups}`, `64:ff9b::${groups}`, `2002:${groups}::1`])
          expect(addressClass(address(form))).toBe(name)
      }),
    )
  })
})

describe('the guards', () => {
  test.each([...EXAMPLES.loopback, ...EXAMPLES.unspecified, ...EXAMPLES.multicast])('deny %s', (text) => {
    expect(guardOf(address(text))).toMatch(/^a guard denies every (loopback|unspecified|multicast) address$/)
  })

  test.each(['255.255.255.255', '::ffff:255.255.255.255', '64:ff9b::ffff:ffff', '2002:ffff:ffff::'])(
    'deny broadcast as %s',
    (text) => {
      expect(guardOf(address(text))).toBe('a guard denies the broadcast address')
    },
  )

  test.each([...EXAMPLES.public, ...EXAMPLES.private, ...EXAMPLES.metadata])('leave %s to the rules', (text) => {
    expect(guardOf(address(text))).toBeUndefined()
  })
})
