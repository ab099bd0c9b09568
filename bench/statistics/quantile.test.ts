// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { median, quantile, summarize } from './quantile.ts'

describe('quantiles', () => {
  it('takes the middle sample of an odd number, whatever their order', () => {
    expect(median([9, 1, 5])).toBe(5)
  })

  it('lies half-way between the two middle samples of an even number', () => {
    expect(median([4, 1, 3, 2])).toBe(2.5)
  })

  it('keeps the worst sample: nothing is trimmed', () => {
    const samples = [...Array.from({ length: 99 }, () => 1), 1000]
    expect(summarize(samples)).toMatchObject({ n: 100, min: 1, p50: 1, max: 1000 })
    expect(summarize(samples).p99).toBeGreaterThan(1)
  })

  it('leaves the samples as they were', () => {
    const samples = [3, 1, 2]
    quantile(samples, 0.5)
    expect(samples).toEqual([3, 1, 2])
  })

  it('says that there is no number where there are no samples', () => {
    expect(summarize([]).p50).toBeNaN()
  })
})
