// SPDX-License-Identifier: Apache-2.0
/** A small generator with a seed, so that a failure can be played again. */
export function seededRandom(seed: number): (below: number) => number {
  let state = seed >>> 0 || 1
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}
