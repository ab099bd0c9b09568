// SPDX-License-Identifier: Apache-2.0
import { type Agent, type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http'
import { SdkError } from '../sdk-error.ts'
import type { Address, Target } from './address.ts'
import { readBytes, readError } from './response-body.ts'

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly path: string
  readonly query?: Readonly<Record<string, string | number | boolean | readonly string[] | undefined>> | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly json?: unknown
  readonly body?: Uint8Array | AsyncIterable<Uint8Array> | undefined
  readonly signal?: AbortSignal | undefined
  /** Sent twice it does no more than sent once; what is not a GET is sent once unless this says so. */
  readonly repeatable?: boolean | undefined
}

export interface HttpResponse {
  readonly status: number
  bytes(): Promise<Uint8Array<ArrayBuffer>>
  json(): Promise<unknown>
  /** Ending the iteration early closes the connection. */
  stream(): AsyncIterable<Uint8Array>
}

/** No connection came to be. */
export class ConnectFailure extends Error {
  readonly code: string | undefined

  constructor(error: NodeJS.ErrnoException) {
    super(error.message, { cause: error })
    this.code = error.code
  }

  get nobodyListens(): boolean {
    return this.code === 'ENOENT' || this.code === 'ECONNREFUSED'
  }
}

/** The connection ended before the answer came. */
export class LostConnection extends Error {
  /** False when the server had closed it before the request was written: then it has seen no whole one. */
  readonly mayHaveArrived: boolean

  constructor(error: NodeJS.ErrnoException) {
    super(error.message, { cause: error })
    this.mayHaveArrived = error.code !== 'EPIPE' || error.syscall !== 'write'
  }
}

class BodyFailure extends Error {}

const CONNECT_DEADLINE_MS = 10_000

/** Sends one request and resolves with the answer's head; an error status throws what the server said. */
export async function exchange(target: Target, agent: Agent | false, request: HttpRequest): Promise<HttpResponse> {
  request.signal?.throwIfAborted()
  const outgoing = httpRequest({
    ...requestOptions(target.address),
    agent,
    method: request.method,
    path: request.path + encodeQuery(request.query),
    headers: requestHeaders(target, request),
  })
  const settled = awaitResponse(outgoing, request.signal)
  sendBody(outgoing, request)
  const response = await settled
  if ((response.statusCode ?? 500) >= 400) throw await readError(response)
  return wrapResponse(response, request.signal)
}

export function requestOptions(address: Address): { socketPath: string } | { host: string; port: number } {
  return address.kind === 'unix' ? { socketPath: address.socketPath } : { host: address.host, port: address.port }
}

export function authorization(target: Target): Record<string, string> {
  return target.apiKey === undefined ? {} : { authorization: `Bearer ${target.apiKey}` }
}

/** Tells apart what can go wrong before an answer, and lets go when `signal` says so. */
export function failuresOf(
  outgoing: ClientRequest,
  signal: AbortSignal | undefined,
  reject: (error: unknown) => void,
): () => void {
  let connected = false
  outgoing.once('socket', (socket) => {
    if (!socket.connecting) {
      connected = true
      return
    }
    const timer = setTimeout(() => {
      outgoing.destroy(
        Object.assign(new Error(`no answer within ${CONNECT_DEADLINE_MS / 1000} s`), { code: 'ETIMEDOUT' }),
      )
    }, CONNECT_DEADLINE_MS)
    socket.once('connect', () => {
      connected = true
      clearTimeout(timer)
    })
    socket.once('close', () => clearTimeout(timer))
  })
  outgoing.on('error', (error: NodeJS.ErrnoException) => {
    if (signal?.aborted) reject(signal.reason)
    else if (error instanceof BodyFailure) reject(error.cause)
    else if (!connected) reject(new ConnectFailure(error))
    else reject(new LostConnection(error))
  })
  const abort = (): void => void outgoing.destroy()
  signal?.addEventListener('abort', abort, { once: true })
  return () => signal?.removeEventListener('abort', abort)
}

function awaitResponse(outgoing: ClientRequest, signal: AbortSignal | undefined): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const release = failuresOf(outgoing, signal, reject)
  outgoing.once('response', (response) => {
    resolve(response)
    response.once('close', release)
  })
  promise.catch(release)
  return promise
}

function requestHeaders(target: Target, request: HttpRequest): Record<string, string> {
  return {
    ...authorization(target),
    ...(request.json === undefined ? {} : { 'content-type': 'application/json' }),
    ...(request.body === undefined ? {} : { 'content-type': 'application/octet-stream' }),
    ...request.headers,
  }
}

function encodeQuery(query: HttpRequest['query']): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value === undefined) continue
    for (const single of Array.isArray(value) ? value : [value]) parameters.append(name, String(single))
  }
  return parameters.size === 0 ? '' : `?${parameters.toString()}`
}

function sendBody(outgoing: ClientRequest, request: HttpRequest): void {
  const { body } = request
  if (request.json !== undefined) outgoing.end(JSON.stringify(request.json))
  else if (body === undefined) outgoing.end()
  else if (body instanceof Uint8Array) outgoing.end(body)
  else void sendStream(outgoing, body)
}

/** Writes as fast as the connection takes it; an answer that comes early, which is a refusal, ends the sending. */
async function sendStream(outgoing: ClientRequest, body: AsyncIterable<Uint8Array>): Promise<void> {
  const over = new Promise<void>((resolve) => {
    outgoing.once('response', () => resolve())
    outgoing.once('close', () => resolve())
  })
  let ended = false
  void over.then(() => {
    ended = true
  })
  try {
    for await (const chunk of body) {
      if (ended) break
      if (!outgoing.write(chunk)) await Promise.race([over, new Promise((resolve) => outgoing.once('drain', resolve))])
    }
    outgoing.end()
  } catch (error) {
    outgoing.destroy(new BodyFailure('the content broke off', { cause: error }))
  }
}

function wrapResponse(response: IncomingMessage, signal: AbortSignal | undefined): HttpResponse {
  const stream = async function* (): AsyncGenerator<Uint8Array> {
    try {
      yield* response as AsyncIterable<Uint8Array>
    } catch (error) {
      throw signal?.aborted ? signal.reason : new LostConnection(error as Error)
    }
  }
  const bytes = async (): Promise<Uint8Array<ArrayBuffer>> => {
    try {
      return await readBytes(response)
    } catch (error) {
      throw signal?.aborted ? signal.reason : error
    }
  }
  return { status: response.statusCode ?? 0, bytes, json: async () => parseJson(await bytes()), stream }
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8'))
  } catch (error) {
    throw new SdkError(
      'protocol.broken',
      'read the answer of the server: it is not JSON',
      'check that ISOLA_URL names an Isola server',
      error,
    )
  }
}
