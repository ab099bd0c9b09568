// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest'
import { fuzzReader } from '../../test/fuzz-reader.ts'

test('1,000,000 damaged inputs are refused or read, nothing else', () => {
  const seed = Date.now() % 2 ** 32
  expect(fuzzReader(1_000_000, seed).frames, `seed ${seed}`).toBeGreaterThan(100_000)
})
