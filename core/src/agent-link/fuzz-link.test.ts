// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest'
import { fuzzLink } from '../../test/fuzz-link.ts'
import { seededRandom } from '../../test/seeded-random.ts'

test('10,000 frames of an agent gone mad end in results or typed errors, and leave nothing open', async () => {
  const { breaches, links } = await fuzzLink(10_000, seededRandom(7_654_321))
  expect(links).toBe(250)
  expect(breaches).toBeGreaterThan(200)
})
