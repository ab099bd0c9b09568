// SPDX-License-Identifier: Apache-2.0
import type { ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import type { ByteSource, FileDownload } from '@isola/core'
import { BYTES, IsolaError } from '@isola/protocol'

interface Range {
  readonly offset?: number | undefined
  readonly length?: number | undefined
}

/**
 * A file as the body. Its length is promised beforehand, so that a client can tell a whole body from
 * a broken one; a file that grows meanwhile is cut there, one that shrinks breaks the connection.
 * Files that claim to be empty are sent without a promise: those of /proc have content all the same.
 */
export async function sendFile(response: ServerResponse, download: FileDownload, range: Range): Promise<void> {
  const available = Math.max(0, download.size - (range.offset ?? 0))
  const length = Math.min(available, range.length ?? available)
  const isSized = download.size > 0
  response.writeHead(200, {
    'content-type': BYTES,
    ...(isSized ? { 'content-length': length } : {}),
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
  })
  await pipeline(isSized ? exactly(length, download.bytes) : download.bytes, response)
}

async function* exactly(length: number, source: ByteSource): AsyncGenerator<Uint8Array, void, undefined> {
  let left = length
  for await (const chunk of source) {
    if (chunk.length > left) {
      yield chunk.subarray(0, left)
      return
    }
    left -= chunk.length
    yield chunk
  }
  if (left > 0) throw new IsolaError('file.io', `the file ended ${left} bytes before the size it had`)
}
