// SPDX-License-Identifier: Apache-2.0
import {
  type AgentOperation,
  type AgentRequest,
  type AgentResult,
  agentOperations,
  type ErrorCode,
} from '@isola/protocol'
import type { ByteChannel } from '../driver/byte-channel.ts'
import type { Operation } from '../operation/operation.ts'
import type { Random } from '../ports/random.ts'
import type { FrameLink } from './frame-link.ts'
import { greetAgent } from './handshake.ts'
import { sendRequest } from './send-request.ts'
import { type FailureCodes, parseShape, type Shape } from './wire-json.ts'

/** An agent speaks of what is inside; it cannot answer in the name of the server. */
const AGENT_CODES = /^(process|file|request|agent)\.|^sandbox\.(not|already)_personalised$|^limit\.exhausted$/
/** What is exhausted is the agent's, so removing sandboxes would not help. */
const HINTS = { 'limit.exhausted': 'wait until other operations in this sandbox have ended' } as const

export function agentFailureCodes(op: string): FailureCodes {
  const otherwise: ErrorCode = op.startsWith('file.')
    ? 'file.io'
    : op.startsWith('process.')
      ? 'process.start_failed'
      : 'agent.protocol'
  return { allows: (code) => AGENT_CODES.test(code), otherwise, hints: HINTS }
}

/** The parsed result of an operation. @throws {ProtocolBreach} */
export function acceptResult<Op extends AgentOperation>(op: Op, value: unknown): AgentResult<Op> {
  const shape = agentOperations[op].result as unknown as Shape<AgentResult<Op>>
  return parseShape(shape, value, `result of ${op}`)
}

/** An authenticated connection to one sandbox's agent. */
export interface AgentLink {
  readonly frames: FrameLink
  readonly generation: number
  readonly agentVersion: string
  /** One request with one answer; the answer is validated. */
  call<Op extends AgentOperation>(op: Op, request: AgentRequest<Op>, operation: Operation): Promise<AgentResult<Op>>
  /** Asks whether the agent answers at all. */
  ping(operation: Operation): Promise<void>
}

export async function openAgentLink(
  channel: ByteChannel,
  key: Uint8Array,
  random: Random,
  operation: Operation,
): Promise<AgentLink> {
  const { link, generation, agentVersion } = await greetAgent(channel, key, random, operation)
  return {
    frames: link,
    generation,
    agentVersion,
    call: (op, request, operation) =>
      sendRequest(link, op, request, agentFailureCodes(op), (result) => acceptResult(op, result), operation),
    ping: (operation) => operation.race(link.ping(random.bytes(8))),
  }
}
