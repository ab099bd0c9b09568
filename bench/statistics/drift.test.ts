// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { drift, MAX_DRIFT } from './drift.ts'

const stretch = (ms: number, n = 20): number[] => Array.from({ length: n }, () => ms)

describe('drift of a control', () => {
  it('is nothing on a steady machine', () => {
    expect(drift(stretch(1, 60))).toBe(0)
  })

  it('shows a machine that became busy half-way', () => {
    expect(drift([...stretch(1), ...stretch(1.2), ...stretch(1.4)])).toBeCloseTo(0.4)
    expect(drift([...stretch(1), ...stretch(1), ...stretch(2)])).toBeGreaterThan(MAX_DRIFT)
  })

  it('does not see a few slow samples that are spread over the run', () => {
    const control = stretch(1, 60).map((ms, round) => (round % 10 === 0 ? 50 : ms))
    expect(drift(control)).toBe(0)
  })

  it('claims nothing when there are too few rounds to tell', () => {
    expect(drift(stretch(1, 9))).toBeNaN()
  })
})
