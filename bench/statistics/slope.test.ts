// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { slope } from './slope.ts'

describe('slope', () => {
  it('is the growth per step of a straight line', () => {
    expect(slope([0, 10, 20, 30].map((x) => ({ x, y: 5 + 3 * x })))).toBe(3)
  })

  it('finds a leak under one wild reading', () => {
    const points = Array.from({ length: 20 }, (_, x) => ({ x, y: 2 * x + (x === 7 ? 10_000 : 0) }))
    expect(slope(points)).toBeCloseTo(2, 1)
  })

  it('is nothing where values only waver', () => {
    expect(slope([4, 5, 4, 5, 4, 5, 4].map((y, x) => ({ x, y })))).toBeCloseTo(0, 1)
  })

  it('has no value for a single point', () => {
    expect(slope([{ x: 1, y: 1 }])).toBeNaN()
  })
})
