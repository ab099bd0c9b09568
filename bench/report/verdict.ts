// SPDX-License-Identifier: Apache-2.0
import { isFailure, type Rounds, type Series } from '../measure/run-rounds.ts'
import type { Comparison } from '../rows/row.ts'
import { compareMedians, type Estimate } from '../statistics/bootstrap.ts'
import { drift, MAX_DRIFT } from '../statistics/drift.ts'
import type { RandomSource } from '../statistics/random.ts'

export type Verdict =
  | { readonly kind: 'kept' | 'missed'; readonly estimate: Estimate; readonly certain: boolean }
  | { readonly kind: 'refused'; readonly reason: string }

/**
 * Holds a comparison to its promise. Only rounds in which both succeeded are compared; a failure of
 * ours breaks the promise's ground and is no ratio at all.
 */
export function judge(comparison: Comparison, rounds: Rounds, random: RandomSource): Verdict {
  const moved = drift(rounds.control)
  if (moved > MAX_DRIFT) {
    const percent = Math.round(moved * 100)
    return {
      kind: 'refused',
      reason: `the control moved by ${percent} % during the run: measure again on a quiet machine`,
    }
  }
  const ours = find(rounds, comparison.ours)
  const theirs = find(rounds, comparison.theirs)
  if (ours === undefined || theirs === undefined) return { kind: 'refused', reason: 'not run here' }
  const failures = ours.rounds.filter(isFailure).length
  if (failures > 0) return { kind: 'refused', reason: `${failures} of our operations failed` }
  const pairs = ours.rounds.flatMap((our, round) => {
    const their = theirs.rounds[round]
    return their === undefined || isFailure(our) || isFailure(their) ? [] : [[our.value, their.value] as const]
  })
  if (pairs.length === 0) return { kind: 'refused', reason: 'no round in which both succeeded' }
  const [our, their] = [pairs.map((pair) => pair[0]), pairs.map((pair) => pair[1])]
  const estimate = compareMedians(our, their, comparison.combine, random)
  const kept = estimate.value <= comparison.atMost
  const certain = kept ? estimate.high <= comparison.atMost : estimate.low > comparison.atMost
  return { kind: kept ? 'kept' : 'missed', estimate, certain }
}

function find(rounds: Rounds, name: string): Series | undefined {
  return rounds.series.find((series) => series.participant.name === name)
}
