// SPDX-License-Identifier: Apache-2.0
import { median } from './quantile.ts'

export interface Point {
  readonly x: number
  readonly y: number
}

/**
 * Growth of y per x by the median of all pairwise slopes (Theil and Sen): one disturbed reading of a
 * shared machine does not tilt it, as it would a least-squares line.
 */
export function slope(points: readonly Point[]): number {
  const slopes: number[] = []
  points.forEach((a, index) => {
    for (const b of points.slice(index + 1)) if (b.x !== a.x) slopes.push((b.y - a.y) / (b.x - a.x))
  })
  return median(slopes)
}

/** The lowest point of each of `stretches` equal parts, in order. */
export function lows(points: readonly Point[], stretches: number): readonly Point[] {
  const size = Math.ceil(points.length / stretches)
  return Array.from({ length: stretches }, (_, index) => points.slice(index * size, (index + 1) * size))
    .filter((stretch) => stretch.length > 0)
    .map((stretch) => stretch.reduce((low, point) => (point.y < low.y ? point : low)))
}
