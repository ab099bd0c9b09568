// SPDX-License-Identifier: Apache-2.0
import { isIP } from 'node:net'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Address, carriedAddress, formatAddress, parseAddress } from './address.ts'

const addresses = fc.oneof(
  fc.record({ family: fc.constant(4 as const), value: fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }) }),
  fc.record({ family: fc.constant(6 as const), value: fc.bigInt({ min: 2n ** 32n * 0x10000n, max: 2n ** 128n - 1n }) }),
)
const almostAddresses = fc.oneof(
  fc.string({ unit: fc.constantFrom(...'0123456789abcdfF:.:::.'.split('')), maxLength: 46 }),
  fc.ipV4Extended(),
  fc.ipV4(),
  fc.ipV6(),
  fc.string({ unit: 'binary' }),
)

function reformat(text: string): string | undefined {
  const address = parseAddress(text)
  return address && formatAddress(address)
}

describe('an address', () => {
  test('is read as exactly what the platform takes for an address, without zones; 10,000 texts', () => {
    fc.assert(
      fc.property(almostAddresses, (text) => {
        expect(parseAddress(text) !== undefined).toBe(isIP(text) !== 0 && !text.includes('%'))
      }),
      { numRuns: 10_000 },
    )
  })

  test('comes back from its text', () => {
    fc.assert(
      fc.property(addresses, (address: Address) => {
        expect(parseAddress(formatAddress(address))).toEqual(address)
      }),
    )
  })

  test('is written as clients write it', () => {
    fc.assert(
      fc.property(addresses, (address: Address) => {
        const text = formatAddress(address)
        expect(new URL(`http://${address.family === 6 ? `[${text}]` : text}`).hostname.replace(/[[\]]/g, '')).toBe(text)
      }),
    )
  })

  test.each([
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['::FFFF:0a00:0001', '10.0.0.1'],
    ['0:0:0:0:0:ffff:7f00:1', '127.0.0.1'],
    ['0000:0000:0000:0000:0000:ffff:127.000.0.1', undefined],
    ['0000:0000:0000:0000:0000:ffff:255.255.255.255', '255.255.255.255'],
    ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
    ['1:0:2:3:4:5:6:7', '1:0:2:3:4:5:6:7'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['::', '::'],
  ])('%s is %s, whatever form it was given in', (text, expected) => {
    expect(reformat(text)).toBe(expected)
  })

  test.each([
    ...['', '.', ':', ':::', '1', '127.1', '2130706433', '0x7f.0.0.1', '0x7f000001', '010.0.0.1', '1.2.3.256'],
    ...['1.2.3.4.', ' 1.2.3.4', '1.2.3.4\n', '1.2.3', '1.2.3.4.5', '１.2.3.4', '+1.2.3.4', '1e1.0.0.1'],
    ...['[::1]', '::1%lo', 'fe80::1%eth0', '1::2::3', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', '12345::', '::g'],
    ...['::1.2.3', '1.2.3.4::', '::1.2.3.4:5', ':1:2:3:4:5:6:7', '1:2:3:4:5:6:7:', '1:2:3:4:5:6:7:1.2.3.4', '::-1'],
  ])('%j is none: readers disagree about it, or nobody takes it', (text) => {
    expect(parseAddress(text)).toBeUndefined()
  })

  test.each([
    ['64:ff9b::a00:1', '10.0.0.1'],
    ['64:ff9b::169.254.169.254', '169.254.169.254'],
    ['2002:7f00:1::', '127.0.0.1'],
    ['2002:a00:1:1234::5', '10.0.0.1'],
    ['::8.8.8.8', '8.8.8.8'],
    ['::', undefined],
    ['::1', undefined],
    ['2001:4860::8888', undefined],
    ['64:ff9b:1::a00:1', undefined],
    ['10.0.0.1', undefined],
  ])('%s carries %s', (text, expected) => {
    const carried = carriedAddress(parseAddress(text) as Address)
    expect(carried && formatAddress(carried)).toBe(expected)
  })
})
