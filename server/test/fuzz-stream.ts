// SPDX-License-Identifier: Apache-2.0
import { encodeFrame } from '@isola/protocol'
import fc from 'fast-check'
import { expect } from 'vitest'
import { StreamClient } from './stream-client.ts'

const start = fc.constantFrom(
  '{"argv":["x"],"stdin":true}',
  '{"argv":["x"]}',
  '{"shell":"y","destroySandbox":true}',
  '{',
  '[]',
)
const payload = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  start.map((text) => Buffer.from(text)),
  fc.json().map((text) => Buffer.from(text)),
)
const frame = fc
  .record({
    epoch: fc.constantFrom(1, 1, 1, 1, 2, 0),
    type: fc.integer({ min: 1, max: 11 }),
    channel: fc.constantFrom(0, 1, 2, 3, 255),
    flags: fc.constantFrom(0, 1, 65535),
    id: fc.constantFrom(0, 1, 1, 1, 2, 3, 0xffffffff),
    payload,
  })
  .map((fields) => encodeFrame(fields as Parameters<typeof encodeFrame>[0]))
const started = start.map((text) => encodeFrame({ epoch: 1, type: 3, id: 1, payload: Buffer.from(text) }))
const damaged = fc
  .tuple(frame, fc.nat(), fc.integer({ min: 1, max: 255 }))
  .map(([bytes, at, change]) => bytes.map((byte, index) => (index === at % bytes.length ? byte ^ change : byte)))
const piece = fc.oneof({ weight: 6, arbitrary: frame }, damaged, fc.uint8Array({ maxLength: 60 }))
const conversation = fc.tuple(fc.option(started, { nil: new Uint8Array(0) }), fc.array(piece, { maxLength: 6 }))

/** Whatever a client sends, the stream ends with it and no process is left. */
export async function fuzzStream(conversations: number): Promise<void> {
  await fc.assert(
    fc.asyncProperty(conversation, fc.nat(), async ([opening, pieces], cut) => {
      const client = new StreamClient()
      const bytes = Buffer.concat([opening, ...pieces])
      // Where packets end must not matter.
      client.socket.write(bytes.subarray(0, cut % (bytes.length + 1)))
      client.socket.write(bytes.subarray(cut % (bytes.length + 1)))
      await new Promise((resolve) => setImmediate(resolve))
      client.socket.destroy()
      await client.served
      expect(client.service.process.kills > 0 || client.service.started.length === 0).toBe(true)
      expect(client.log).toEqual([])
    }),
    { numRuns: conversations },
  )
}
