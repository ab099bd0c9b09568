// SPDX-License-Identifier: Apache-2.0
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { finished } from 'node:stream/promises'

type RefusalCode = 'network.denied' | 'network.unreachable' | 'request.invalid'

/** A body up to this size is read and thrown away, so that its connection can be used on. */
const SMALL_BODY_BYTES = 64 * 1024
/** How long a client may go on sending what nobody wants, until it sees the answer. */
const DRAIN_MS = 2_000

/** What a client inside gets in place of an answer. */
export class HttpRefusal extends Error {
  readonly status: number
  readonly code: RefusalCode
  readonly hint: string | undefined
  /** Why the policy denies it: also a header. */
  readonly denied: string | undefined

  constructor(status: number, code: RefusalCode, message: string, hint?: string, denied?: string) {
    super(printable(message))
    this.status = status
    this.code = code
    this.hint = hint === undefined ? undefined : printable(hint)
    this.denied = denied === undefined ? undefined : printable(denied)
  }

  /** Raw headers and body, in the form of every error of Isola. */
  render(): [headers: string[], body: Buffer] {
    const { code, message, hint } = this
    const retryable = code === 'network.unreachable'
    const body = Buffer.from(JSON.stringify({ error: { code, message, hint, retryable } }))
    const headers = ['content-type', 'application/json', 'content-length', String(body.length)]
    if (this.denied !== undefined) headers.push('x-isola-denied', this.denied)
    if (this.status === 405) headers.push('allow', 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS')
    return [headers, body]
  }
}

export function invalid(message: string): HttpRefusal {
  return new HttpRefusal(400, 'request.invalid', message)
}

export function deniedBy(place: string, reason: string): HttpRefusal {
  return new HttpRefusal(
    403,
    'network.denied',
    `Isola denies http://${place}/: ${reason}`,
    "ask for a rule in the sandbox's network policy that allows it",
    reason,
  )
}

export function unreachable(place: string, error: Error): HttpRefusal {
  return new HttpRefusal(
    502,
    'network.unreachable',
    `Isola found no answer at ${place}: ${error.message}`,
    'the policy allows it; see whether the server there runs and speaks HTTP/1',
  )
}

/**
 * Sends it and resolves when it is over. The answer is whole at once, but a connection that is to be closed stays
 * open until the client has seen it: closing on a client that still sends would take the answer from it.
 */
export async function sendRefusal(
  request: IncomingMessage,
  response: ServerResponse,
  refusal: HttpRefusal,
): Promise<void> {
  const [headers, body] = refusal.render()
  if (refusal.code !== 'network.denied' || !hasSmallBody(request)) headers.push('Connection', 'close')
  response.sendDate = false
  response.writeHead(refusal.status, reasonPhrase(refusal.status), headers)
  response.write(body)
  request.resume()
  await completed(request)
  response.end()
  await finished(response).catch(() => {})
}

/** For bytes that never became a request. */
export function sendRefusalOnSocket(socket: Duplex, refusal: HttpRefusal): void {
  const [headers, body] = refusal.render()
  const lines = headers.map((text, index) => (index % 2 === 0 ? `${text}: ` : `${text}\r\n`)).join('')
  socket.end(
    `HTTP/1.1 ${refusal.status} ${reasonPhrase(refusal.status)}\r\n${lines}Connection: close\r\n\r\n${body.toString()}`,
  )
  setTimeout(() => socket.destroy(), DRAIN_MS).unref()
}

/** Resolves when the body has been read by whoever reads it, or after a moment. */
export async function completed(request: IncomingMessage): Promise<void> {
  if (request.complete || request.destroyed) return
  await finished(request, { writable: false, signal: AbortSignal.timeout(DRAIN_MS) }).catch(() => {})
}

/** After an unanswered `Expect: 100-continue` nobody knows whether a body comes. */
function hasSmallBody(request: IncomingMessage): boolean {
  if (request.headers.expect !== undefined || request.headers['transfer-encoding'] !== undefined) return false
  return Number(request.headers['content-length'] ?? 0) <= SMALL_BODY_BYTES
}

function reasonPhrase(status: number): string {
  return STATUS_CODES[status] ?? 'Error'
}

/** What came from inside is repeated without what could steer a terminal or end a header. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 500)
}
