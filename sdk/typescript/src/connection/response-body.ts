// SPDX-License-Identifier: Apache-2.0
import type { IncomingMessage } from 'node:http'
import type { ErrorBody } from '@isola/protocol'
import { IsolaError } from '@isola/protocol/wire'
import { SdkError } from '../sdk-error.ts'

/** The whole body; one copy at most. */
export async function readBytes(response: IncomingMessage): Promise<Uint8Array<ArrayBuffer>> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array<ArrayBuffer>>()
  const chunks: Buffer<ArrayBuffer>[] = []
  response.on('data', (chunk: Buffer<ArrayBuffer>) => chunks.push(chunk))
  response.once('end', () => resolve(chunks.length === 1 ? (chunks[0] as Buffer<ArrayBuffer>) : Buffer.concat(chunks)))
  response.once('error', (error) => {
    reject(new IsolaError('server.unreachable', `read the answer of the server: ${error.message}`, { cause: error }))
  })
  return promise
}

/** What the server said went wrong. */
export async function readError(response: IncomingMessage): Promise<Error> {
  const text = Buffer.from(await readBytes(response)).toString('utf8')
  try {
    const { error } = JSON.parse(text) as ErrorBody
    return IsolaError.fromWire(error)
  } catch {
    return new SdkError(
      'protocol.broken',
      `read the answer of the server: status ${response.statusCode} with ${JSON.stringify(text.slice(0, 100))}`,
      'check that ISOLA_URL names an Isola server',
    )
  }
}
