// SPDX-License-Identifier: Apache-2.0
import { connect } from 'node:net'

export interface RawOptions {
  readonly end?: boolean
  readonly more?: readonly [bytes: string, times: number]
}

/** Sends bytes that no HTTP client would; resolves with all that came back when the server closed. */
export function rawConversation(
  serverUrl: string,
  bytes: string | Uint8Array,
  options: RawOptions = {},
): Promise<string> {
  const { hostname, port } = new URL(serverUrl)
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname)
    let answer = ''
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1')
    })
    socket.on('error', (error: NodeJS.ErrnoException) =>
      error.code === 'ECONNRESET' || error.code === 'EPIPE' ? resolve(answer) : reject(error),
    )
    socket.on('close', () => resolve(answer))
    socket.write(bytes)
    const [more, times] = options.more ?? ['', 0]
    for (let time = 0; time < times; time++) socket.write(more)
    if (options.end === true) socket.end()
  })
}
