// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { address } from '../../test/network-policy.ts'
import { type Address, formatAddress } from './address.ts'
import { NamePins } from './name-pins.ts'

const MINUTE_MS = 60_000
const A = address('93.184.216.34')
const B = address('2606:4700::1111')

function numbered(index: number): Address {
  return { family: 4, value: 0x0800_0000n + BigInt(index) }
}

describe('the answers a sandbox got', () => {
  test('lead from a name to its addresses and back, however the name is written', () => {
    const pins = new NamePins()
    pins.pin('Example.COM.', [A, B], MINUTE_MS, 0)
    pins.pin('other.example', [A], MINUTE_MS, 0)
    expect(pins.addressesOf('example.com', 0)).toEqual([A, B])
    expect(pins.namesOf(A, 0)).toEqual(['example.com', 'other.example'])
    expect(pins.namesOf(B, 0)).toEqual(['example.com'])
    expect(pins.namesOf(address('1.1.1.1'), 0)).toEqual([])
    expect(pins.addressesOf('1.2.3.4', 0)).toEqual([])
  })

  test('are found by the mapped form of their address too', () => {
    const pins = new NamePins()
    pins.pin('example.com', [address('::ffff:93.184.216.34')], MINUTE_MS, 0)
    expect(pins.namesOf(A, 0)).toEqual(['example.com'])
  })

  test.each([
    [0, 1],
    [-5, 1],
    [Number.NaN, 1],
    [30 * 1000, 1],
    [10 * MINUTE_MS, 10],
    [60 * MINUTE_MS, 60],
    [Number.POSITIVE_INFINITY, 60],
  ])('with a TTL of %d ms count for %d minutes and five more', (ttlMs, minutes) => {
    const pins = new NamePins()
    pins.pin('example.com', [A], ttlMs, 1000)
    const lastMs = 1000 + (minutes + 5) * MINUTE_MS
    expect(pins.namesOf(A, lastMs)).toEqual(['example.com'])
    expect(pins.namesOf(A, lastMs + 1)).toEqual([])
    expect(pins.addressesOf('example.com', lastMs + 1)).toEqual([])
  })

  test('stay as long as the first answer said, when a later one is shorter or names other addresses', () => {
    const pins = new NamePins()
    pins.pin('example.com', [A], 60 * MINUTE_MS, 0)
    pins.pin('example.com', [A, B], MINUTE_MS, 0)
    expect(pins.addressesOf('example.com', 30 * MINUTE_MS)).toEqual([A])
  })

  test('are those of the 1024 names that were asked for last', () => {
    const pins = new NamePins()
    for (let index = 0; index < 1024; index++) pins.pin(`n${index}.example`, [numbered(index)], MINUTE_MS, 0)
    pins.pin('n0.example', [numbered(0)], MINUTE_MS, 0)
    pins.pin('one-more.example', [A], MINUTE_MS, 0)
    expect(pins.namesOf(numbered(0), 0)).toEqual(['n0.example'])
    expect(pins.namesOf(numbered(1), 0)).toEqual([])
    expect(pins.namesOf(numbered(2), 0)).toEqual(['n2.example'])
  })

  test('hold at most 64 addresses of a name and 64 names of an address, the latest', () => {
    const pins = new NamePins()
    for (let index = 0; index < 100; index++) {
      pins.pin('many-addresses.example', [numbered(index)], MINUTE_MS, 0)
      pins.pin(`n${index}.example`, [A], MINUTE_MS, 0)
    }
    const expected = Array.from({ length: 64 }, (_, index) => index + 36)
    expect(pins.addressesOf('many-addresses.example', 0)).toEqual(expected.map(numbered))
    expect(pins.namesOf(A, 0)).toEqual(expected.map((index) => `n${index}.example`))
  })

  test('of one answer are its first 64 addresses', () => {
    const pins = new NamePins()
    pins.pin(
      'example.com',
      Array.from({ length: 1000 }, (_, index) => numbered(index)),
      MINUTE_MS,
      0,
    )
    expect(pins.addressesOf('example.com', 0)).toEqual(Array.from({ length: 64 }, (_, index) => numbered(index)))
  })

  test('are at most 8192, when a flood brings many names with many addresses', () => {
    const pins = new NamePins()
    for (let name = 0; name < 200; name++)
      pins.pin(
        `n${name}.example`,
        Array.from({ length: 64 }, (_, index) => numbered(name * 64 + index)),
        MINUTE_MS,
        0,
      )
    const kept = Array.from({ length: 200 }, (_, name) => pins.addressesOf(`n${name}.example`, 0).length)
    expect(kept.reduce((sum, count) => sum + count, 0)).toBe(8192)
    expect(kept.slice(-128).every((count) => count === 64)).toBe(true)
  })

  test('are the same seen from the names and from the addresses, after any history', () => {
    const step = fc.record({
      name: fc.integer({ min: 0, max: 5 }).map((index) => `n${index}.example`),
      addresses: fc.array(fc.integer({ min: 0, max: 5 }).map(numbered), { maxLength: 4 }),
      ttlMs: fc.integer({ min: 0, max: 200 * MINUTE_MS }),
      waitMs: fc.integer({ min: 0, max: 30 * MINUTE_MS }),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const pins = new NamePins()
        let nowMs = 0
        for (const { name, addresses, ttlMs, waitMs } of steps) {
          nowMs += waitMs
          pins.pin(name, addresses, ttlMs, nowMs)
          for (const address of addresses) expect(pins.namesOf(address, nowMs)).toContain(name)
        }
        const all = [0, 1, 2, 3, 4, 5]
        const byName = all.flatMap((index) =>
          pins.addressesOf(`n${index}.example`, nowMs).map((address) => `n${index}.example ${formatAddress(address)}`),
        )
        const byAddress = all.flatMap((index) =>
          pins.namesOf(numbered(index), nowMs).map((name) => `${name} ${formatAddress(numbered(index))}`),
        )
        expect(byName.sort()).toEqual(byAddress.sort())
      }),
    )
  })
})
