// SPDX-License-Identifier: Apache-2.0
import { type IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Journal } from '@isola/core'
import type { NetworkVerdict } from '@isola/protocol'
import { HttpExchange, type Progress } from './http-exchange.ts'
import { deniedBy, HttpRefusal, invalid, sendRefusal, sendRefusalOnSocket, unreachable } from './http-refusal.ts'
import { hostHeader, type RequestHead, readRequestHead } from './http-request-head.ts'
import { HttpUpstream } from './http-upstream.host.ts'

/** A connection out of a sandbox that was handed over. */
export interface ProxiedConnection {
  readonly sandboxId: string
  readonly connection: number
  readonly address: string
  readonly port: number
}

export interface ToldRequest {
  readonly method: string
  readonly host: string | null
  readonly target: string
  readonly verdict: NetworkVerdict
  /** What the client got; null when it left before. */
  readonly status: number | null
  /** Of bodies, or of what followed a 101. */
  readonly bytesUp: number
  readonly bytesDown: number
}

export interface HttpClientDeps {
  readonly journal: Journal
  /** Asked for every single request, also the second one on a kept connection and an upgrade. */
  decide(connection: ProxiedConnection, host: string | null): NetworkVerdict
  /** Told once for each request, when it is over. */
  told(connection: ProxiedConnection, request: ToldRequest): void
}

/** Requests that a client may send ahead of their answers. apt sends ten. */
const MAX_AHEAD = 32
/** A client that has ended what it sends waits so long for an answer to begin, if it is still there at all. */
const HALF_CLOSED_MS = 30_000
const UPGRADE_MS = 60_000

/** One connection of a client inside, which believes that it talks to the server itself. */
export class HttpClient {
  readonly #deps: HttpClientDeps
  readonly #connection: ProxiedConnection
  readonly #socket: Socket
  readonly #upstream: HttpUpstream
  #open = 0
  #turn: Promise<void> = Promise.resolve()
  /** Of the request whose turn it is. */
  #progress: Progress | undefined

  constructor(deps: HttpClientDeps, connection: ProxiedConnection, socket: Socket) {
    this.#deps = deps
    this.#connection = connection
    this.#socket = socket
    this.#upstream = new HttpUpstream(connection.address, connection.port, () => this.#mirrorClose())
    socket.once('close', () => this.#upstream.destroy())
    socket.once('end', () => this.#halfClosed())
  }

  /** Requests are served one after the other: each has the one connection to the server for itself. */
  serve(request: IncomingMessage, response: ServerResponse): void {
    if (this.#open > MAX_AHEAD) {
      this.#socket.destroy()
      return
    }
    this.#open += 1
    this.#turn = this.#turn
      .then(() => this.#serve(request, response))
      .catch((error: unknown) => {
        this.#deps.journal.warn('a proxied request failed', { error })
        this.#socket.destroy()
      })
      .then(() => {
        this.#open -= 1
        this.#mirrorClose()
      })
  }

  /** An upgrade or CONNECT: the parser has let go of the connection, so its answer is the last one. */
  serveLast(request: IncomingMessage, first: Buffer): void {
    const socket = this.#socket
    // An answer to an earlier request can no longer wait for the connection to drain.
    if (this.#open > 0) {
      socket.destroy()
      return
    }
    if (first.length > 0) socket.unshift(first)
    socket.on('error', () => socket.destroy())
    const response = new ServerResponse(request)
    response.shouldKeepAlive = false
    response.assignSocket(socket)
    socket.on('drain', () => response.emit('drain'))
    response.once('finish', () => socket.destroySoon())
    // Until it is piped nobody reads from the client, so that its end would not be seen.
    this.#giveUpAfter(UPGRADE_MS)
    this.serve(request, response)
  }

  /** What came is no request. An answer would be taken for one to an earlier request, if that has none yet. */
  refuseUnparsed(error: NodeJS.ErrnoException): void {
    if (this.#open > 0 || !this.#socket.writable || error.code === 'ECONNRESET') this.#socket.destroy()
    else sendRefusalOnSocket(this.#socket, parseFailure(error))
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.#socket.destroyed) return
    const { method = '', url = '' } = request
    const progress: Progress = { status: null, bytesUp: 0, bytesDown: 0 }
    this.#progress = progress
    let host: string | null = null
    let verdict: NetworkVerdict = { verdict: 'deny', rule: null, reason: 'the request cannot be read' }
    try {
      const head = this.#read(request)
      host = head.host
      verdict = this.#decide(host)
      if (verdict.verdict !== 'allow') throw deniedBy(this.#place(host), verdict.reason)
      await this.#exchange(head, request, response, progress)
    } catch (error) {
      if (!(error instanceof HttpRefusal)) throw error
      progress.status = error.status
      if (error.code === 'request.invalid') verdict = { ...verdict, verdict: 'deny', reason: error.message }
      await sendRefusal(request, response, error)
    } finally {
      this.#progress = undefined
      this.#deps.told(this.#connection, { method, host, target: url, verdict, ...progress })
    }
  }

  #read(request: IncomingMessage): RequestHead {
    if (request.method === 'CONNECT')
      throw new HttpRefusal(
        405,
        'request.invalid',
        'CONNECT: there is no proxy to ask',
        'connect to the server itself; the sandbox needs no proxy settings',
      )
    return readRequestHead(request, this.#connection.address, this.#connection.port)
  }

  /** No answer is a denial. */
  #decide(host: string | null): NetworkVerdict {
    try {
      return this.#deps.decide(this.#connection, host)
    } catch (error) {
      this.#deps.journal.warn('deciding on a proxied request failed', { error })
      return { verdict: 'deny', rule: null, reason: 'the policy could not be asked' }
    }
  }

  async #exchange(
    head: RequestHead,
    request: IncomingMessage,
    response: ServerResponse,
    progress: Progress,
  ): Promise<void> {
    const outgoing = this.#send(head)
    const parts = { head, request, response, outgoing, socket: this.#socket, place: this.#connection, progress }
    await new HttpExchange(parts).run()
  }

  #send(head: RequestHead): ReturnType<HttpUpstream['request']> {
    try {
      return this.#upstream.request(head)
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      if (code?.startsWith('ERR_INVALID') || code === 'ERR_UNESCAPED_CHARACTERS')
        throw invalid(`the head has characters that no request has: ${code}`)
      throw unreachable(this.#place(null), new Error(message))
    }
  }

  #place(host: string | null): string {
    const { address, port } = this.#connection
    return `${host ?? hostHeader(address, 80)}:${port}`
  }

  /** Between two requests the client sees the server's end of the connection as if it was its own. */
  #mirrorClose(): void {
    if (this.#open === 0 && this.#upstream.isClosed) this.#socket.end()
  }

  /**
   * The end of what the client sends, or of the client. Of an unix socket whose other end is closed even an empty
   * write fails, and that ends the request; one that is open the other way still waits for its answer.
   */
  #halfClosed(): void {
    if (this.#open === 0) return
    if (this.#socket.writableLength === 0) this.#socket.write(Buffer.alloc(0))
    this.#giveUpAfter(HALF_CLOSED_MS)
  }

  #giveUpAfter(waitMs: number): void {
    const timer = setTimeout(() => {
      if (this.#progress?.status === null) this.#socket.destroy()
    }, waitMs)
    this.#socket.once('close', () => clearTimeout(timer))
  }
}

function parseFailure(error: NodeJS.ErrnoException): HttpRefusal {
  switch (error.code) {
    case 'HPE_PAUSED_H2_UPGRADE':
      return new HttpRefusal(505, 'request.invalid', 'HTTP/2 without TLS is not passed on', 'use HTTP/1.1')
    case 'HPE_HEADER_OVERFLOW':
      return new HttpRefusal(431, 'request.invalid', 'the head of the request is too large')
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new HttpRefusal(408, 'request.invalid', 'the head of the request did not come in time')
    default:
      return invalid(`not an HTTP request: ${error.message}`)
  }
}
