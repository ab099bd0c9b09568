// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import type { Failure, Rounds } from '../measure/run-rounds.ts'
import type { Participant, Sample } from '../participants/participant.ts'
import { type Comparison, times } from '../rows/row.ts'
import { seededRandom } from '../statistics/random.ts'
import { judge } from './verdict.ts'

const comparison: Comparison = {
  ours: 'ours',
  theirs: 'theirs',
  promise: '≤ 0.5 ×',
  combine: times,
  atMost: 0.5,
  shown: 'times',
}
const STEADY = Array.from({ length: 30 }, () => 1)

function rounds(samples: Record<string, readonly (number | Error)[]>, control = STEADY): Rounds {
  const series = Object.entries(samples).map(([name, values]) => ({
    participant: { name } as Participant,
    rounds: values.map((value): Sample | Failure => (value instanceof Error ? { error: value.message } : { value })),
    cpuMsPerOperation: null,
  }))
  return { series, control }
}

const verdict = (of: Rounds): ReturnType<typeof judge> => judge(comparison, of, seededRandom(1))

describe('verdicts', () => {
  it('keeps a promise whose whole interval lies below it', () => {
    expect(verdict(rounds({ ours: [1, 1, 1], theirs: [4, 4, 4] }))).toMatchObject({ kind: 'kept', certain: true })
  })

  it('misses a promise whose whole interval lies above it', () => {
    expect(verdict(rounds({ ours: [3, 3, 3], theirs: [4, 4, 4] }))).toMatchObject({ kind: 'missed', certain: true })
  })

  it('is not certain when the interval holds the promise', () => {
    expect(verdict(rounds({ ours: [1, 1.9, 3], theirs: [4, 4, 4] }))).toMatchObject({ kind: 'kept', certain: false })
  })

  it('refuses a ratio when the machine changed during the run', () => {
    const control = [...STEADY, ...STEADY.map(() => 1.3), ...STEADY.map(() => 1.4)]
    expect(verdict(rounds({ ours: [1], theirs: [4] }, control))).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining('40 %'),
    })
  })

  it('refuses a ratio over operations of ours that failed', () => {
    const failed = rounds({ ours: [1, new Error('no'), 1], theirs: [4, 4, 4] })
    expect(verdict(failed)).toEqual({ kind: 'refused', reason: '1 of our operations failed' })
  })

  it('compares only the rounds that a peer survived', () => {
    const partly = rounds({ ours: [1, 100, 1], theirs: [4, new Error('no'), 4] })
    expect(verdict(partly)).toMatchObject({ kind: 'kept', estimate: { value: 0.25 } })
  })

  it('gives no number for a peer that is absent', () => {
    expect(verdict(rounds({ ours: [1] }))).toEqual({ kind: 'refused', reason: 'not run here' })
  })
})
