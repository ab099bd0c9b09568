// SPDX-License-Identifier: Apache-2.0
import { median } from './quantile.ts'

/** Beyond this the machine was not the same machine throughout, and no ratio is printed. */
export const MAX_DRIFT = 0.25
const STRETCHES = 3
const FEWEST_PER_STRETCH = 5

/**
 * How much the median of a control moved between stretches of a run: 0.1 means that the slowest
 * stretch was 10 % above the fastest.
 */
export function drift(control: readonly number[]): number {
  const size = Math.floor(control.length / STRETCHES)
  if (size < FEWEST_PER_STRETCH) return Number.NaN
  const medians = Array.from({ length: STRETCHES }, (_, stretch) => {
    const end = stretch === STRETCHES - 1 ? control.length : (stretch + 1) * size
    return median(control.slice(stretch * size, end))
  })
  return Math.max(...medians) / Math.min(...medians) - 1
}
