// SPDX-License-Identifier: Apache-2.0
import { type AgentLink, openAgentLink } from '../src/agent-link/agent-link.ts'
import { FakeAgent } from './fake-agent.ts'
import { type MemoryEnd, memoryChannels } from './memory-channel.ts'
import { operation } from './test-domain.ts'
import { testRandom } from './test-random.ts'

export interface LinkedAgent {
  readonly agent: FakeAgent
  readonly link: AgentLink
  readonly host: MemoryEnd
}

/** A fake agent and an open link to it. */
export async function linkedAgent(): Promise<LinkedAgent> {
  const key = testRandom.bytes(32)
  const [host, inside] = memoryChannels()
  const agent = new FakeAgent(inside, key)
  const link = await openAgentLink(host, key, testRandom, operation())
  return { agent, link, host }
}
