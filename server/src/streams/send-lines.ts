// SPDX-License-Identifier: Apache-2.0
import type { ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { IsolaError, NDJSON } from '@isola/protocol'

/** Values as NDJSON; bytes are lines already. When the source breaks off, the last line is `{"event":"error","error":{…}}`. */
export async function sendLines(response: ServerResponse, values: AsyncIterable<unknown>): Promise<void> {
  response.writeHead(200, { 'content-type': NDJSON, 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' })
  response.flushHeaders()
  await pipeline(linesFrom(values), response)
}

async function* linesFrom(values: AsyncIterable<unknown>): AsyncGenerator<Uint8Array | string, void, undefined> {
  try {
    for await (const value of values) yield value instanceof Uint8Array ? value : `${JSON.stringify(value)}\n`
  } catch (error) {
    if (!IsolaError.is(error)) throw error
    yield `${JSON.stringify({ event: 'error', ...error.toBody() })}\n`
  }
}
