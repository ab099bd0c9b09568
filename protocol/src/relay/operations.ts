// SPDX-License-Identifier: Apache-2.0
import * as z from 'zod'

/** The control protocol of the egress relay, generation 1: the server decides, the relay moves the bytes. */
export const RELAY_GENERATION = 1

const count = z.number().int().nonnegative()
const empty = z.object({})
const sandboxId = z.string()
const connection = count.describe('number that the relay gave it')
const address = z.union([z.ipv4(), z.ipv6()])
const port = z.number().int().min(0).max(65535)
const hex = z.string().regex(/^([0-9a-f]{2})*$/)

export const RelayDecision = z.discriminatedUnion('action', [
  z.object({ connection, action: z.literal('deny') }),
  z.object({ connection, action: z.literal('wait'), haveBytes: count, waitMs: count }),
  z.object({
    connection,
    action: z.literal('tunnel'),
    address,
    port,
    guarded: z.boolean().describe('what the client says first is shown before any of it goes out'),
  }),
  z.object({ connection, action: z.literal('local'), socketPath: z.string(), preface: z.string() }),
  z.object({ connection, action: z.literal('dns') }),
])
export type RelayDecision = z.infer<typeof RelayDecision>

export const relayOperations = {
  list: { request: empty, result: z.object({ sandboxes: z.array(sandboxId) }) },
  decide: { request: RelayDecision, result: z.object({ known: z.boolean().describe('false: it is over already') }) },
  bounds: {
    request: z.object({ sandboxId, maxConnections: count, bytesPerSecond: count.optional() }),
    result: empty,
  },
  cut: { request: z.object({ sandboxId, connections: z.array(connection).optional() }), result: empty },
  answer: { request: z.object({ query: count, messageHex: hex }), result: empty },
} as const

export type RelayOperation = keyof typeof relayOperations
export type RelayRequest<Op extends RelayOperation> = z.input<(typeof relayOperations)[Op]['request']>
export type RelayResult<Op extends RelayOperation> = z.output<(typeof relayOperations)[Op]['result']>

export const RelayEvent = z.discriminatedUnion('event', [
  z.object({ event: z.literal('connection'), connection, sandboxId, address, port }),
  z.object({
    event: z.literal('first-bytes'),
    connection,
    bytesHex: hex,
    complete: z.boolean().describe('no more will be seen before a decision'),
  }),
  z.object({ event: z.literal('refused'), sandboxId, address, port }),
  z.object({
    event: z.literal('dns'),
    query: count,
    sandboxId,
    stream: z.boolean().describe('asked over a stream, so the answer may be long'),
    messageHex: hex,
  }),
  z.object({
    event: z.literal('ended'),
    connection,
    bytesUp: count,
    bytesDown: count,
    over: z.enum(['closed', 'reset', 'denied', 'cut', 'unreachable']),
    detail: z.string(),
  }),
])
export type RelayEvent = z.infer<typeof RelayEvent>
