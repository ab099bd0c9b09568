// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto'
import { type ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Journal } from '@isola/core'
import { IsolaError } from '@isola/protocol'
import { endAndLinger } from '../streams/linger.ts'

/**
 * Everything that is thrown while a request is served becomes an IsolaError here, the one place
 * where a fault of our own is told apart: its stack goes to the journal, the client gets a reference.
 */
export function toIsolaError(error: unknown, what: string, journal: Journal): IsolaError {
  if (IsolaError.is(error)) return error
  if (isHangUp(error)) return new IsolaError('request.cancelled', `${what}: the client went away`)
  const reference = randomUUID()
  journal.warn(`${what} failed`, {
    reference,
    error: error instanceof Error ? (error.stack ?? error.message) : String(error),
  })
  return new IsolaError('server.internal', `${what} failed inside the server`, { context: { reference } })
}

function isHangUp(error: unknown): boolean {
  const code = (error as { code?: unknown } | undefined)?.code
  return code === 'ERR_STREAM_PREMATURE_CLOSE' || code === 'ECONNRESET' || code === 'EPIPE'
}

export function sendError(response: ServerResponse, error: IsolaError): void {
  if (response.headersSent) {
    // Too late for a status: a broken connection is the only honest end of a body that is not whole.
    response.destroy()
    return
  }
  for (const [name, value] of Object.entries(headersOf(error))) response.setHeader(name, value)
  sendJson(response, error.status, error.toBody())
}

export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  const body = Buffer.from(JSON.stringify(value))
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': body.length,
    'cache-control': 'no-store',
  })
  response.end(body)
}

/** For connections that have no ServerResponse: upgrades, and requests that could not be parsed. */
export function sendErrorOnSocket(socket: Duplex, error: IsolaError): void {
  // It has been told already; what it goes on sending is no request either.
  if (socket.writableEnded) return
  if (!socket.writable) {
    socket.destroy()
    return
  }
  const body = JSON.stringify(error.toBody())
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    connection: 'close',
    ...headersOf(error),
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const reason = STATUS_CODES[error.status] ?? 'Error'
  endAndLinger(socket, `HTTP/1.1 ${error.status} ${reason}\r\n${lines.join('')}\r\n${body}`)
}

function headersOf(error: IsolaError): Record<string, string> {
  if (error.code === 'access.key_missing' || error.code === 'access.key_invalid')
    return { 'www-authenticate': 'Bearer' }
  const allowed = error.context['allowed']
  return error.code === 'route.method_not_allowed' && Array.isArray(allowed) ? { allow: allowed.join(', ') } : {}
}
