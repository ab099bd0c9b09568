// SPDX-License-Identifier: Apache-2.0
import {
  type ByteChannel,
  type FailureCodes,
  FrameLink,
  type Operation,
  parseJson,
  parseShape,
  ProtocolBreach,
  sendRequest,
  type Shape,
} from '@isola/core'
import {
  type Frame,
  FrameType,
  IsolaError,
  RELAY_GENERATION,
  RelayEvent,
  RelayHello,
  type RelayOperation,
  type RelayRequest,
  type RelayResult,
  relayOperations,
} from '@isola/protocol'

const ERRORS = { peer: 'relay', lost: 'host.launcher_failed', breach: 'host.launcher_failed' } as const
/** The relay is ours, on this side of the wall: it may use every code. */
const CODES: FailureCodes = { allows: () => true, otherwise: 'host.launcher_failed' }

/** A connection to a relay that has greeted back. */
export interface RelayLink {
  readonly frames: FrameLink
  call<Op extends RelayOperation>(op: Op, request: RelayRequest<Op>, operation: Operation): Promise<RelayResult<Op>>
}

export async function greetRelay(
  channel: ByteChannel,
  epoch: number,
  onEvent: (event: RelayEvent) => void,
  operation: Operation,
): Promise<RelayLink> {
  const frames = new FrameLink(channel, epoch, ERRORS)
  try {
    const answer = new Promise<Frame>((resolve, reject) => {
      frames.onConnectionFrame(resolve)
      frames.onClose(reject)
    })
    frames.sendJson(FrameType.hello, 0, { generation: RELAY_GENERATION, role: 'host' })
    readHello(await operation.race(answer))
    frames.onConnectionFrame((frame) => {
      if (frame.type === FrameType.event) onEvent(parseShape(RelayEvent, parseJson(frame.payload, 'event'), 'event'))
    })
    return {
      frames,
      call: (op, request, operation) =>
        sendRequest(frames, op, request, CODES, (result) => accept(op, result), operation),
    }
  } catch (error) {
    const failure = IsolaError.is(error)
      ? error
      : new IsolaError('host.launcher_failed', `the relay did not greet back: ${String(error)}`, { cause: error })
    frames.close(failure)
    throw failure
  }
}

function readHello(frame: Frame): void {
  if (frame.type !== FrameType.hello) throw new ProtocolBreach('the first frame is not a greeting')
  parseShape(RelayHello, parseJson(frame.payload, 'greeting'), 'greeting')
}

function accept<Op extends RelayOperation>(op: Op, value: unknown): RelayResult<Op> {
  return parseShape(relayOperations[op].result as unknown as Shape<RelayResult<Op>>, value, `result of ${op}`)
}
