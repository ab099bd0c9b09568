// SPDX-License-Identifier: Apache-2.0
import type { Operation, SandboxService } from '@isola/core'
import { IsolaError, ResizeProcess, SignalName, SignalProcess } from '@isola/protocol'
import * as z from 'zod'
import { parseInput } from '../http/parse-input.ts'
import { parseJson } from '../http/request-body.ts'

/** What a client may ask on a stream besides starting the process. */
const StreamRequest = z.discriminatedUnion('op', [
  SignalProcess.extend({ op: z.literal('process.signal'), signal: SignalName }),
  ResizeProcess.extend({ op: z.literal('process.resize') }),
])

/** Carries out a request that concerns the process of the stream. */
export async function answerStreamRequest(
  service: SandboxService,
  sandbox: string,
  processId: string,
  payload: Uint8Array,
  operation: Operation,
): Promise<void> {
  const value = parseJson(payload)
  const op = (value as { op?: unknown } | null)?.op
  if (op !== 'process.signal' && op !== 'process.resize') {
    throw new IsolaError('request.unknown_operation', `stream request ${JSON.stringify(op)} is not known`, {
      hint: 'a stream knows process.signal and process.resize',
    })
  }
  const { op: known, ...params } = parseInput('body', StreamRequest, value)
  await service.call(sandbox, known, { processId, ...params } as never, operation)
}
