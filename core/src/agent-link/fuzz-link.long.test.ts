// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest'
import { fuzzLink } from '../../test/fuzz-link.ts'
import { seededRandom } from '../../test/seeded-random.ts'

test('1,000,000 frames of an agent gone mad end in results or typed errors, and leave nothing open', async () => {
  const seed = Date.now() % 2 ** 32
  const { breaches } = await fuzzLink(1_000_000, seededRandom(seed))
  expect(breaches, `seed ${seed}`).toBeGreaterThan(10_000)
})
