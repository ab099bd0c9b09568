// SPDX-License-Identifier: Apache-2.0
import { median, quantile } from './quantile.ts'
import type { RandomSource } from './random.ts'

export interface Estimate {
  readonly value: number
  /** 95 % of the resampled values lie between these. */
  readonly low: number
  readonly high: number
}

const RESAMPLES = 2000

/**
 * A number made of two medians, with the interval that resampling gives it. Both sides are drawn
 * by round, since samples of one round saw the same machine; a round where either failed is left out
 * by the caller.
 */
export function compareMedians(
  ours: readonly number[],
  theirs: readonly number[],
  combine: (our: number, their: number) => number,
  random: RandomSource,
): Estimate {
  if (ours.length !== theirs.length) throw new Error(`${ours.length} rounds of one side, ${theirs.length} of the other`)
  const value = combine(median(ours), median(theirs))
  if (ours.length === 0) return { value, low: Number.NaN, high: Number.NaN }
  const resampled = Array.from({ length: RESAMPLES }, () => {
    const rounds = Array.from(ours, () => Math.floor(random() * ours.length))
    const pick = (side: readonly number[]): number[] => rounds.map((round) => side[round] as number)
    return combine(median(pick(ours)), median(pick(theirs)))
  })
  return { value, low: quantile(resampled, 0.025), high: quantile(resampled, 0.975) }
}

export const ratio = (our: number, their: number): number => our / their
export const difference = (our: number, their: number): number => our - their
