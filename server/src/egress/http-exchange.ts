// SPDX-License-Identifier: Apache-2.0
import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { endToEnd, endToEndTrailers, listOf } from './http-hop-headers.ts'
import { completed, sendRefusal, unreachable } from './http-refusal.ts'
import { hostHeader, type RequestHead } from './http-request-head.ts'
import { joinTunnel } from './http-tunnel.ts'

/** More than any server has to say before its answer; a server that goes on would fill our memory. */
const MAX_INFORMATION = 32

/** What became of a request, counted while it goes on. Bytes are those of bodies, or of what follows a 101. */
export interface Progress {
  status: number | null
  bytesUp: number
  bytesDown: number
}

export interface ExchangeParts {
  readonly head: RequestHead
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly outgoing: ClientRequest
  /** The client's connection. */
  readonly socket: Duplex
  readonly place: { readonly address: string; readonly port: number }
  readonly progress: Progress
}

/**
 * Passes one request on and its answer back; resolves when both are over, however they end.
 *
 * Streams wait for each other through `pipe`, so neither side can make us hold more than a few buffers.
 */
export class HttpExchange {
  readonly #parts: ExchangeParts
  readonly #over = Promise.withResolvers<void>()
  #isAnswered = false
  #informationCount = 0

  constructor(parts: ExchangeParts) {
    this.#parts = parts
  }

  run(): Promise<void> {
    const { response, outgoing } = this.#parts
    response.sendDate = false
    // The client is gone, or had its answer.
    response.once('close', () => {
      if (!response.writableFinished) outgoing.destroy()
      this.#over.resolve()
    })
    response.once('finish', () => this.#over.resolve())
    outgoing.on('error', (error) => {
      if (!this.#isAnswered) this.#attempt(this.#refuse(error))
    })
    outgoing.on('information', (information) => this.#guard(() => this.#inform(information)))
    outgoing.on('response', (answer) => this.#answer(answer))
    outgoing.on('upgrade', (answer, upstream, first) => this.#attempt(this.#tunnel(answer, upstream, first)))
    outgoing.once('close', () => {
      if (!this.#isAnswered) this.#attempt(this.#refuse(new Error('it closed the connection')))
    })
    this.#sendBody()
    return this.#over.promise
  }

  #sendBody(): void {
    const { head, request, outgoing, progress } = this.#parts
    request.on('data', (chunk: Buffer) => {
      if (!outgoing.destroyed) progress.bytesUp += chunk.length
    })
    request.on('error', () => outgoing.destroy())
    request.once('end', () =>
      this.#guard(() => {
        if (head.hasChunkedBody) outgoing.addTrailers(endToEndTrailers(request.rawTrailers))
        outgoing.end()
      }),
    )
    // The server does not want the rest: it is read away for the moment that is left.
    outgoing.once('close', () => request.unpipe(outgoing).resume())
    flushHead(outgoing)
    request.pipe(outgoing, { end: false })
  }

  /** 1xx other than 101. */
  #inform({ statusCode, rawHeaders }: { statusCode: number; rawHeaders: string[] }): void {
    const { request, response, outgoing } = this.#parts
    this.#informationCount += 1
    if (this.#informationCount > MAX_INFORMATION) {
      outgoing.destroy(new Error('too many interim answers'))
      return
    }
    if (request.httpVersion !== '1.1' || response.headersSent || response.destroyed) return
    if (statusCode === 100) response.writeContinue()
    else response.writeInformation(statusCode, endToEnd(rawHeaders, ['content-length']))
  }

  #answer(answer: IncomingMessage): void {
    const { response, progress } = this.#parts
    this.#isAnswered = true
    try {
      this.#writeHead(answer)
    } catch (error) {
      // A status or header that no client may get, or a coding that cannot be undone.
      answer.destroy()
      this.#attempt(this.#refuse(error as Error))
      return
    }
    answer.on('data', (chunk: Buffer) => {
      progress.bytesDown += chunk.length
    })
    answer.on('error', () => this.#broken())
    answer.once('close', () => {
      if (!answer.complete) this.#broken()
    })
    answer.once('end', () => this.#attempt(this.#answered(answer)))
    answer.pipe(response, { end: false })
  }

  #writeHead(answer: IncomingMessage): void {
    const { request, response, outgoing, progress } = this.#parts
    const status = answer.statusCode ?? 0
    const coding = answer.headers['transfer-encoding']?.trim().toLowerCase()
    if (coding !== undefined && coding !== 'chunked') throw new Error('its Transfer-Encoding is not chunked')
    const isWithoutBody = request.method === 'HEAD' || status === 204 || status === 304
    const headers = endToEnd(answer.rawHeaders, status === 204 ? ['content-length'] : [])
    const announced = listOf(answer.rawHeaders, 'trailer')
    if (coding === 'chunked' && request.httpVersion === '1.1' && !isWithoutBody && announced.length > 0)
      headers.push('Trailer', announced.join(', '))
    // A server that ends the connection after its answer ends the client's as well, as if there was no proxy.
    if (!outgoing.shouldKeepAlive) headers.push('Connection', 'close')
    response.writeHead(status, answer.statusMessage ?? '', headers)
    flushHead(response)
    progress.status = status
  }

  /** The answer is whole. What the client still sends of its request has a moment to end. */
  async #answered(answer: IncomingMessage): Promise<void> {
    const { request, response, outgoing, socket } = this.#parts
    if (!answer.complete) return this.#broken()
    await completed(request)
    const isCut = !request.complete
    if (isCut) outgoing.destroy()
    this.#guard(() => {
      if (response.chunkedEncoding) response.addTrailers(endToEndTrailers(answer.rawTrailers))
      response.end(() => {
        if (isCut) socket.destroy()
      })
    })
  }

  async #refuse(error: Error): Promise<void> {
    const { request, response, outgoing, socket, place, progress } = this.#parts
    this.#isAnswered = true
    request.unpipe(outgoing)
    outgoing.destroy()
    if (socket.destroyed || response.headersSent) return this.#broken()
    const refusal = unreachable(hostHeader(place.address, place.port), error)
    progress.status = refusal.status
    await sendRefusal(request, response, refusal)
  }

  /** What either end sent may have passed the parser and yet be nothing that Node would send. */
  #guard(act: () => void): void {
    try {
      act()
    } catch {
      this.#broken()
    }
  }

  #attempt(act: Promise<void>): void {
    act.catch(() => this.#broken())
  }

  /** Part of an answer was sent: only a connection that breaks tells the client that it is not whole. */
  #broken(): void {
    this.#parts.outgoing.destroy()
    this.#parts.socket.destroy()
    this.#over.resolve()
  }

  async #tunnel(answer: IncomingMessage, upstream: Duplex, first: Buffer): Promise<void> {
    const { head, response, socket, progress } = this.#parts
    if (!head.isUpgrade) {
      upstream.destroy()
      return this.#refuse(new Error('it switches protocols unasked'))
    }
    this.#isAnswered = true
    progress.status = 101
    response.detachSocket(socket as Parameters<ServerResponse['detachSocket']>[0])
    await joinTunnel({ answer, upstream, first, client: socket, progress })
    this.#over.resolve()
  }
}

/** Sends the head before there is a body. `flushHeaders` would turn bytes beyond ASCII into UTF-8. */
function flushHead(message: ClientRequest | ServerResponse): void {
  message.write(Buffer.alloc(0))
}
