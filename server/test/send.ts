// SPDX-License-Identifier: Apache-2.0
import { type IncomingHttpHeaders, type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http'
import { connect, type Socket } from 'node:net'
import type { Loose } from './loose.ts'
import type { TestServer } from './test-server.ts'

export interface Reply<Body = Loose> {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** The body as JSON. */
  readonly json: Body
}

interface Sent {
  readonly headers?: OutgoingHttpHeaders
  readonly body?: unknown
}

/** One request over a connection of its own. */
export async function send<Body = Loose>(
  server: TestServer,
  method: string,
  path: string,
  { headers, body }: Sent = {},
): Promise<Reply<Body>> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const outgoing = request({ ...server.target, agent: false, method, path, headers: headers ?? {} })
  outgoing.on('response', resolve).on('error', reject)
  outgoing.end(body === undefined || typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body))
  return await readReply<Body>(await promise)
}

export async function readReply<Body = Loose>(response: IncomingMessage): Promise<Reply<Body>> {
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  const text = Buffer.concat(chunks).toString()
  const { statusCode: status = 0, headers } = response
  return { status, headers, text, json: (isJson(headers) && text !== '' ? JSON.parse(text) : undefined) as Body }
}

const isJson = (headers: IncomingHttpHeaders): boolean => headers['content-type'] === 'application/json'

export async function open(server: TestServer): Promise<Socket> {
  const socket = connect(server.port === 0 ? { path: server.socketPath } : { host: '127.0.0.1', port: server.port })
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject))
  return socket
}

/** Bytes as they are, for requests that no client would send; resolves with all that comes until the end. */
export async function sendRaw(server: TestServer, bytes: string | Buffer): Promise<string> {
  const socket = await open(server)
  socket.write(bytes)
  return await readAll(socket)
}

export async function readAll(socket: Socket): Promise<string> {
  let text = ''
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1')
  })
  // A server that cuts off while we still send shows as a reset.
  socket.on('error', () => {})
  await new Promise((resolve) => socket.once('close', resolve))
  return text
}
