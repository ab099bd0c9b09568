// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { lows, slope } from './slope.ts'

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

describe('lows', () => {
  const sawtooth = (leakPerStep: number) =>
    Array.from({ length: 15 }, (_, x) => ({ x, y: 100 + 10 * (x % 5) + leakPerStep * x }))

  it('of a sawtooth do not rise, however steep its teeth', () => {
    expect(slope(sawtooth(0))).toBeGreaterThan(0)
    expect(slope(lows(sawtooth(0), 3))).toBe(0)
  })

  it('show a leak under the teeth', () => {
    expect(slope(lows(sawtooth(3), 3))).toBeCloseTo(3)
  })
})
