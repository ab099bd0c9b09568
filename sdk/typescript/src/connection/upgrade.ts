// SPDX-License-Identifier: Apache-2.0
import { request as httpRequest } from 'node:http'
import type { Socket } from 'node:net'
import { FRAMES_UPGRADE } from '@isola/protocol/wire'
import { SdkError } from '../sdk-error.ts'
import type { Target } from './address.ts'
import { authorization, failuresOf, requestOptions } from './exchange.ts'
import { readError } from './response-body.ts'

/** Turns a request into a connection that speaks frames. `head` is what came with the answer already. */
export async function upgrade(
  target: Target,
  path: string,
  signal: AbortSignal | undefined,
): Promise<{ socket: Socket; head: Uint8Array }> {
  signal?.throwIfAborted()
  const { promise, resolve, reject } = Promise.withResolvers<{ socket: Socket; head: Uint8Array }>()
  const outgoing = httpRequest({
    ...requestOptions(target.address),
    agent: false,
    method: 'GET',
    path,
    headers: { ...authorization(target), connection: 'Upgrade', upgrade: FRAMES_UPGRADE },
  })
  const release = failuresOf(outgoing, signal, reject)
  outgoing.once('upgrade', (_response, socket, head) => resolve({ socket: socket as Socket, head }))
  outgoing.once('response', (response) => {
    if ((response.statusCode ?? 0) >= 400) void readError(response).then(reject, reject)
    else
      reject(
        new SdkError(
          'protocol.broken',
          `open a stream: the server answered ${response.statusCode}`,
          'check that no proxy stands between',
        ),
      )
  })
  outgoing.end()
  try {
    return await promise
  } finally {
    release()
  }
}
