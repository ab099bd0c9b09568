// SPDX-License-Identifier: Apache-2.0
import { type Frame, FrameType, MAX_FRAME_PAYLOAD_BYTES, IsolaError } from '@isola/protocol'
import type { Operation } from '../operation/operation.ts'
import { type FrameLink, ProtocolBreach } from './frame-link.ts'
import { type FailureCodes, failureFrom, parseJson } from './wire-json.ts'

/** The request frame's payload. @throws request.too_large */
export function encodeRequest(op: string, params: object): Uint8Array {
  const payload = new TextEncoder().encode(JSON.stringify({ ...params, op }))
  if (payload.length > MAX_FRAME_PAYLOAD_BYTES) {
    throw new IsolaError(
      'request.too_large',
      `${op}: request of ${payload.length} bytes exceeds ${MAX_FRAME_PAYLOAD_BYTES}`,
    )
  }
  return payload
}

/** The result in a response frame. @throws the failure it tells of. */
export function readResponse(frame: Frame, op: string, codes: FailureCodes): Record<string, unknown> | IsolaError {
  const { ok, ...rest } = parseJson(frame.payload, `response to ${op}`)
  if (ok === true) return rest
  if (ok === false) return failureFrom(rest['error'], codes, op)
  throw new ProtocolBreach(`response to ${op} has no verdict`)
}

/**
 * One request, one response. When the operation ends first the peer is told to cancel,
 * and its answer is no longer waited for.
 */
export function sendRequest<Result>(
  link: FrameLink,
  op: string,
  params: object,
  codes: FailureCodes,
  accept: (result: Record<string, unknown>) => Result,
  operation: Operation,
): Promise<Result> {
  const payload = encodeRequest(op, params)
  operation.check()
  let id = 0
  const answer = new Promise<Result>((resolve, reject) => {
    id = link.open({
      onFrame(frame) {
        if (frame.type !== FrameType.response)
          throw new ProtocolBreach(`frame of type ${frame.type} in answer to ${op}`)
        const result = readResponse(frame, op, codes)
        if (result instanceof IsolaError) reject(result)
        else resolve(accept(result))
        return true
      },
      onClose: reject,
    })
  })
  link.send({ type: FrameType.request, id, payload })
  operation.log(`sent ${op}`)
  return operation.race(answer).catch((error: unknown) => {
    if (operation.signal.aborted) {
      link.send({ type: FrameType.cancel, id })
      link.abandon(id)
    }
    throw error
  })
}
