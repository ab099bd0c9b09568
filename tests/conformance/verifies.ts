// SPDX-License-Identifier: Apache-2.0
import type { TestContext } from 'vitest'
import type { Skip, World } from '../support/world.ts'
import { type RequirementId, requirements } from './requirements.ts'
import type { Need, Requirement } from './requirements/requirement.ts'

/** A test of one requirement on one driver, skipped with the reason where the host cannot show it. */
export function verifies(world: World, id: RequirementId, body: (context: TestContext) => Promise<void>): void {
  const { sentence, needs }: Requirement = requirements[id]
  world.test(`${sentence} [${id}]`, async (context) => {
    if (needs !== undefined) await require(world, needs, context.skip)
    await body(context)
  })
}

async function require(world: World, need: Need, skip: Skip): Promise<void> {
  if (need === 'root-inside') return world.requireRootInside(skip)
  if (need !== 'no-memory-limit' && need !== 'no-pids-limit') return world.requireLimit(need, skip)
  const limit = need === 'no-memory-limit' ? 'memory' : 'pids'
  if (await world.holds(limit)) skip(`${world.driver}: ${limit} limits can be enforced here`)
}
