// SPDX-License-Identifier: Apache-2.0

export interface Summary {
  readonly n: number
  readonly min: number
  readonly p50: number
  readonly p95: number
  readonly p99: number
  readonly max: number
}

/** Linear between the two nearest samples; nothing is trimmed. NaN without samples. */
export function quantile(samples: readonly number[], q: number): number {
  return quantileOfSorted([...samples].sort(ascending), q)
}

export function median(samples: readonly number[]): number {
  return quantile(samples, 0.5)
}

export function summarize(samples: readonly number[]): Summary {
  const sorted = [...samples].sort(ascending)
  const at = (q: number): number => quantileOfSorted(sorted, q)
  return { n: sorted.length, min: at(0), p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) }
}

function quantileOfSorted(sorted: readonly number[], q: number): number {
  if (sorted.length === 0) return Number.NaN
  const position = (sorted.length - 1) * q
  const below = Math.floor(position)
  const low = sorted[below] as number
  const high = sorted[Math.min(below + 1, sorted.length - 1)] as number
  return low + (high - low) * (position - below)
}

function ascending(a: number, b: number): number {
  return a - b
}
