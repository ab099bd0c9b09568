// SPDX-License-Identifier: Apache-2.0
import { AGENT_GENERATION, AgentHello, type Frame, FrameType, IsolaError, proofMessage } from '@isola/protocol'
import type { ByteChannel } from '../driver/byte-channel.ts'
import type { Operation } from '../operation/operation.ts'
import type { Random } from '../ports/random.ts'
import { FrameLink, ProtocolBreach } from './frame-link.ts'
import { fromHex, sameBytes, toHex } from './hex.ts'
import { parseJson, parseShape } from './wire-json.ts'

const AGENT_ERRORS = { peer: 'agent', lost: 'sandbox.agent_unreachable', breach: 'agent.protocol' } as const

export interface AgentGreeting {
  readonly link: FrameLink
  /** The lower of both sides' generations. */
  readonly generation: number
  readonly agentVersion: string
}

/**
 * Both sides prove that they hold the key. The host's proof is sent without waiting for an answer,
 * so that the first request can follow in the same write.
 */
export async function greetAgent(
  channel: ByteChannel,
  key: Uint8Array,
  random: Random,
  operation: Operation,
): Promise<AgentGreeting> {
  const epoch = nonzeroEpoch(random)
  const hostNonce = random.bytes(32)
  const link = new FrameLink(channel, epoch, AGENT_ERRORS)
  try {
    const answer = firstFrame(link)
    link.sendJson(FrameType.hello, 0, { generation: AGENT_GENERATION, role: 'host', nonce: toHex(hostNonce) })
    operation.log('greeted the agent')
    const hello = readHello(await operation.race(answer), epoch)
    const agentNonce = fromHex(hello.nonce)
    const expected = random.hmacSha256(key, proofMessage('agent', epoch, hostNonce, agentNonce))
    if (!sameBytes(expected, fromHex(hello.proof))) {
      throw new IsolaError('agent.protocol', 'the agent could not prove that it holds the key of this sandbox')
    }
    const proof = random.hmacSha256(key, proofMessage('host', epoch, hostNonce, agentNonce))
    link.onConnectionFrame(refuseHello)
    link.sendJson(FrameType.auth, 0, { proof: toHex(proof) })
    return { link, generation: Math.min(AGENT_GENERATION, hello.generation), agentVersion: hello.version }
  } catch (error) {
    const failure = asHandshakeFailure(error)
    link.close(failure)
    throw failure
  }
}

function nonzeroEpoch(random: Random): number {
  const bytes = random.bytes(4)
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0) || 1
}

function firstFrame(link: FrameLink): Promise<Frame> {
  return new Promise((resolve, reject) => {
    link.onConnectionFrame(resolve)
    link.onClose(reject)
  })
}

function readHello(frame: Frame, epoch: number): AgentHello {
  if (frame.type !== FrameType.hello || frame.epoch !== epoch)
    throw new ProtocolBreach('the first frame is not the answer to the greeting')
  return parseShape(AgentHello, parseJson(frame.payload, 'greeting'), 'greeting')
}

/** A second greeting would begin another connection inside this one. */
function refuseHello(frame: Frame): void {
  if (frame.type === FrameType.hello || frame.type === FrameType.auth)
    throw new ProtocolBreach('greeting in the middle of a connection')
}

function asHandshakeFailure(error: unknown): IsolaError {
  if (IsolaError.is(error)) return error
  if (error instanceof ProtocolBreach)
    return new IsolaError('agent.protocol', `the agent broke the protocol: ${error.message}`, { cause: error })
  throw error
}
