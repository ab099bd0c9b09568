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
  LAUNCHER_GENERATION,
  LauncherHello,
  type LauncherOperation,
  type LauncherRequest,
  type LauncherResult,
  launcherOperations,
  SandboxExitedEvent,
} from '@isola/protocol'

const ERRORS = { peer: 'launcher', lost: 'host.launcher_failed', breach: 'host.launcher_failed' } as const
/** The launcher is ours, on this side of the wall: it may use every code. */
const CODES: FailureCodes = { allows: () => true, otherwise: 'host.launcher_failed' }

export interface ExitFact {
  readonly sandboxId: string
  readonly status: unknown
}

/** A connection to a launcher that has greeted back. */
export interface LauncherLink {
  readonly hello: LauncherHello
  readonly frames: FrameLink
  call<Op extends LauncherOperation>(
    op: Op,
    request: LauncherRequest<Op>,
    operation: Operation,
  ): Promise<LauncherResult<Op>>
}

/** True when this launcher can be used by this version. */
export function isGenerationFit(hello: LauncherHello): boolean {
  return hello.generation >= LAUNCHER_GENERATION
}

export async function greetLauncher(
  channel: ByteChannel,
  epoch: number,
  onExit: (fact: ExitFact) => void,
  operation: Operation,
): Promise<LauncherLink> {
  const frames = new FrameLink(channel, epoch, ERRORS)
  try {
    const answer = new Promise<Frame>((resolve, reject) => {
      frames.onConnectionFrame(resolve)
      frames.onClose(reject)
    })
    frames.sendJson(FrameType.hello, 0, { generation: LAUNCHER_GENERATION, role: 'host' })
    const hello = readHello(await operation.race(answer))
    frames.onConnectionFrame((frame) => onConnectionFrame(frame, onExit))
    return {
      hello,
      frames,
      call: (op, request, operation) =>
        sendRequest(frames, op, request, CODES, (result) => accept(op, result), operation),
    }
  } catch (error) {
    const failure = IsolaError.is(error)
      ? error
      : new IsolaError('host.launcher_failed', `the launcher did not greet back: ${String(error)}`, { cause: error })
    frames.close(failure)
    throw failure
  }
}

function readHello(frame: Frame): LauncherHello {
  if (frame.type !== FrameType.hello) throw new ProtocolBreach('the first frame is not a greeting')
  return parseShape(LauncherHello, parseJson(frame.payload, 'greeting'), 'greeting')
}

function onConnectionFrame(frame: Frame, onExit: (fact: ExitFact) => void): void {
  if (frame.type !== FrameType.event) return
  const event = SandboxExitedEvent.safeParse(parseJson(frame.payload, 'event'))
  // Events that a later launcher may have are none of ours.
  if (event.success) onExit(event.data)
}

function accept<Op extends LauncherOperation>(op: Op, value: unknown): LauncherResult<Op> {
  const shape = launcherOperations[op].result as unknown as Shape<LauncherResult<Op>>
  return parseShape(shape, value, `result of ${op}`)
}
