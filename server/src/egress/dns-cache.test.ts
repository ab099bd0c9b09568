// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest'
import { DnsCache } from './dns-cache.ts'

const found = (ttlMs: number) => ({ addresses: ['5.5.5.1'], ttlMs })

test('an answer is kept as long as its TTL says, and comes with what is left of it', () => {
  const cache = new DnsCache()
  cache.put('a', found(30_000), 1_000)
  expect(cache.get('a', 21_000)).toEqual(found(10_000))
  expect(cache.get('a', 31_000)).toBeUndefined()
})

test('no answer is kept longer than a minute, and none with a TTL of zero', () => {
  const cache = new DnsCache()
  cache.put('a', found(86_400_000), 0)
  cache.put('b', found(0), 0)
  expect(cache.get('a', 59_999)).toMatchObject({ ttlMs: 86_340_001 })
  expect(cache.get('a', 60_000)).toBeUndefined()
  expect(cache.get('b', 0)).toBeUndefined()
})

test('that there is nothing is kept for five seconds', () => {
  const cache = new DnsCache()
  cache.put('a', 'no-such-name', 0)
  cache.put('b', { addresses: [], ttlMs: 0 }, 0)
  expect(cache.get('a', 4_999)).toBe('no-such-name')
  expect(cache.get('b', 4_999)).toEqual({ addresses: [], ttlMs: 0 })
  expect(cache.get('a', 5_000)).toBeUndefined()
})

test('a flood of names drops the oldest, not the memory', () => {
  const cache = new DnsCache()
  for (let index = 0; index < 10_000; index++) cache.put(`${index}`, found(60_000), 0)
  const kept = Array.from({ length: 10_000 }, (_, index) => index).filter((index) => cache.get(`${index}`, 0))
  expect(kept).toEqual(Array.from({ length: 2_000 }, (_, index) => 8_000 + index))
})
