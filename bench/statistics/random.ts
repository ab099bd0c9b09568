// SPDX-License-Identifier: Apache-2.0

/** Numbers in [0, 1), the same for the same seed: a result can be computed again from its samples. */
export type RandomSource = () => number

/** Mulberry32: small, and good enough to shuffle and to resample. */
export function seededRandom(seed: number): RandomSource {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A new array in random order (Fisher and Yates). */
export function shuffled<T>(items: readonly T[], random: RandomSource): T[] {
  const result = [...items]
  for (let last = result.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1))
    ;[result[last], result[other]] = [result[other] as T, result[last] as T]
  }
  return result
}
