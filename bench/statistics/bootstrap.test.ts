// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { compareMedians, difference, ratio } from './bootstrap.ts'
import { seededRandom } from './random.ts'

const around = (centre: number, spread: number, n: number, seed: number): number[] => {
  const random = seededRandom(seed)
  return Array.from({ length: n }, () => centre + (random() - 0.5) * spread)
}

describe('comparing medians', () => {
  it('gives an exact ratio an interval of no width', () => {
    expect(compareMedians([2, 2, 2], [4, 4, 4], ratio, seededRandom(1))).toEqual({ value: 0.5, low: 0.5, high: 0.5 })
  })

  it('gives an interval that holds the true ratio', () => {
    const { low, high } = compareMedians(around(3, 1, 300, 1), around(2, 1, 300, 2), ratio, seededRandom(3))
    expect(low).toBeLessThan(1.5)
    expect(high).toBeGreaterThan(1.5)
    expect(high - low).toBeLessThan(0.2)
  })

  it('narrows with the number of rounds', () => {
    const width = (n: number): number => {
      const { low, high } = compareMedians(around(3, 2, n, 4), around(2, 2, n, 5), difference, seededRandom(6))
      return high - low
    }
    expect(width(400)).toBeLessThan(width(25))
  })

  it('is not moved by one wild sample', () => {
    const ours = [...around(1, 0.1, 99, 7), 10_000]
    expect(compareMedians(ours, around(1, 0.1, 100, 8), ratio, seededRandom(9)).high).toBeLessThan(1.1)
  })

  it('is the same for the same seed', () => {
    const once = (): unknown => compareMedians(around(3, 1, 50, 1), around(2, 1, 50, 2), ratio, seededRandom(3))
    expect(once()).toEqual(once())
  })

  it('refuses sides that are not of the same rounds', () => {
    expect(() => compareMedians([1, 2], [1], ratio, seededRandom(1))).toThrow('2 rounds')
  })
})
