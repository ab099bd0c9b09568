// SPDX-License-Identifier: Apache-2.0
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { endToEnd, valuesOf } from './http-hop-headers.ts'

interface Tunnel {
  /** The 101. */
  readonly answer: IncomingMessage
  readonly upstream: Duplex
  /** What the server sent right behind it. */
  readonly first: Buffer
  readonly client: Duplex
  readonly progress: { bytesUp: number; bytesDown: number }
}

/**
 * After a 101 both ends speak what they agreed on, and bytes pass as they are. Resolves when both are closed.
 *
 * Only a real 101 of the server leads here: a client cannot make the proxy believe in an upgrade that did not happen
 * and hide requests behind it.
 */
export async function joinTunnel({ answer, upstream, first, client, progress }: Tunnel): Promise<void> {
  // Each side may end what it sends and still receive.
  upstream.allowHalfOpen = true
  client.allowHalfOpen = true
  const closed = [upstream, client].map(
    (stream) =>
      new Promise<void>((resolve) => {
        stream.once('close', resolve)
        if (stream.closed) resolve()
      }),
  )
  const breakBoth = () => {
    upstream.destroy()
    client.destroy()
  }
  for (const stream of [upstream, client]) {
    stream.on('error', breakBoth)
    // Destroyed without an end: the other side must not take it for one.
    stream.once('close', () => {
      if (!stream.readableEnded) breakBoth()
    })
  }
  client.write(headOf(answer), 'latin1')
  if (first.length > 0) upstream.unshift(first)
  client.on('data', (chunk: Buffer) => {
    progress.bytesUp += chunk.length
  })
  upstream.on('data', (chunk: Buffer) => {
    progress.bytesDown += chunk.length
  })
  client.pipe(upstream)
  upstream.pipe(client)
  if (client.destroyed || upstream.destroyed) breakBoth()
  await Promise.all(closed)
}

/** The parser took the head apart and let no line ends into its parts, so it can be put together again. */
function headOf(answer: IncomingMessage): string {
  const headers = endToEnd(answer.rawHeaders, ['content-length'])
  headers.push(
    'Connection',
    'Upgrade',
    ...valuesOf(answer.rawHeaders, 'upgrade').flatMap((value) => ['Upgrade', value]),
  )
  const lines = headers.map((text, index) => (index % 2 === 0 ? `${text}: ` : `${text}\r\n`)).join('')
  return `HTTP/1.1 101 ${answer.statusMessage ?? ''}\r\n${lines}\r\n`
}
