// SPDX-License-Identifier: Apache-2.0
import { rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerOptions } from 'node:http'
import type { Socket } from 'node:net'
import { listenOnSocket } from '../lifecycle/listen.host.ts'
import { HttpClient, type HttpClientDeps, type ProxiedConnection } from './http-client.ts'
import { HttpPrefaces, PREFACE_CHARACTERS } from './http-prefaces.ts'
import { upgradesOf } from './http-request-head.ts'

export type { ProxiedConnection } from './http-client.ts'

export interface HttpProxyWaits {
  /** From `expect` to the connection. */
  readonly handOverMs: number
  readonly prefaceMs: number
  readonly headMs: number
  readonly idleMs: number
}

const WAITS: HttpProxyWaits = { handOverMs: 10_000, prefaceMs: 5_000, headMs: 60_000, idleMs: 75_000 }
const MAX_HEADER_BYTES = 32 * 1024
const CHECK_MS = 5_000

export interface HttpProxyDeps extends HttpClientDeps {
  /** In the state directory, which is ours alone; an old file there is replaced. */
  readonly socketPath: string
  readonly waits?: Partial<HttpProxyWaits>
}

/**
 * Plain HTTP out of sandboxes, decided request by request. The relay hands connections over on a unix socket: first
 * the preface, then the client's bytes as they were sent.
 *
 * Safety: all that a client inside sends is hostile, and so are servers. Node's strict parser takes both apart and
 * each message is put together anew, so that no two readers on the way can see different requests in it. Where a
 * request goes is fixed by the verdict on its connection; the client influences only what is sent there. The socket
 * has mode 0600 and nothing inside can reach it; the preface says which connection speaks.
 */
export class HttpProxy implements AsyncDisposable {
  readonly socketPath: string
  readonly #deps: HttpProxyDeps
  readonly #waits: HttpProxyWaits
  readonly #server: Server
  readonly #prefaces: HttpPrefaces<ProxiedConnection>
  readonly #sockets = new Set<Socket>()
  readonly #clients = new WeakMap<object, HttpClient>()
  readonly #parse: (socket: Socket) => void

  private constructor(deps: HttpProxyDeps) {
    this.#deps = deps
    this.socketPath = deps.socketPath
    this.#waits = { ...WAITS, ...deps.waits }
    this.#prefaces = new HttpPrefaces(this.#waits.handOverMs)
    this.#server = makeServer(this.#waits)
    this.#server.on('request', (request, response) => this.#clientOf(request)?.serve(request, response))
    this.#server.on('checkContinue', (request, response) => this.#clientOf(request)?.serve(request, response))
    this.#server.on('checkExpectation', (request, response) => this.#clientOf(request)?.serve(request, response))
    this.#server.on('upgrade', (request, _socket, first) => this.#clientOf(request)?.serveLast(request, first))
    this.#server.on('connect', (request, _socket, first) => this.#clientOf(request)?.serveLast(request, first))
    this.#server.on('clientError', (error, socket) => this.#clients.get(socket)?.refuseUnparsed(error))
    // The parser gets a connection only when its preface is read.
    const [parse] = this.#server.listeners('connection')
    this.#server.removeAllListeners('connection')
    this.#parse = (socket) => {
      parse?.call(this.#server, socket)
    }
    this.#server.on('connection', (socket: Socket) => this.#accept(socket))
  }

  static async listen(deps: HttpProxyDeps): Promise<HttpProxy> {
    const proxy = new HttpProxy(deps)
    rmSync(deps.socketPath, { force: true })
    await listenOnSocket(proxy.#server, deps.socketPath)
    // Too many open files, for example: the next connection may do.
    proxy.#server.on('error', (error) => deps.journal.warn('accepting a connection of the relay failed', { error }))
    return proxy
  }

  /** The preface for a connection that is about to be handed over, without the line feed that ends it. */
  expect(connection: ProxiedConnection): string {
    return this.#prefaces.issue(connection)
  }

  /** Ends every connection, whatever is under way. */
  async close(): Promise<void> {
    this.#prefaces.clear()
    const closed = new Promise((resolve) => this.#server.close(resolve))
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #clientOf(request: IncomingMessage): HttpClient | undefined {
    return this.#clients.get(request.socket)
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
    const onError = () => socket.destroy()
    socket.on('error', onError)
    const timer = setTimeout(onError, this.#waits.prefaceMs)
    socket.once('close', () => clearTimeout(timer))
    let received: Buffer = Buffer.alloc(0)
    const onData = (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      if (received.length <= PREFACE_CHARACTERS) return
      clearTimeout(timer)
      socket.off('data', onData)
      socket.off('end', onError)
      socket.pause()
      const connection = takePreface(this.#prefaces, received)
      if (connection === undefined) {
        socket.destroy()
        return
      }
      this.#clients.set(socket, new HttpClient(this.#deps, connection, socket))
      const rest = received.subarray(PREFACE_CHARACTERS + 1)
      if (rest.length > 0) socket.unshift(rest)
      this.#parse(socket)
      socket.off('error', onError)
      socket.resume()
    }
    socket.on('data', onData)
    socket.once('end', onError)
  }
}

function takePreface<T>(prefaces: HttpPrefaces<T>, received: Buffer): T | undefined {
  if (received[PREFACE_CHARACTERS] !== 0x0a) return undefined
  return prefaces.take(received.toString('latin1', 0, PREFACE_CHARACTERS))
}

function makeServer({ headMs, idleMs }: HttpProxyWaits): Server {
  const options: ServerOptions = {
    maxHeaderSize: MAX_HEADER_BYTES,
    insecureHTTPParser: false,
    headersTimeout: headMs,
    keepAliveTimeout: idleMs,
    connectionsCheckingInterval: Math.min(CHECK_MS, headMs),
    // Bodies take as long as they take.
    requestTimeout: 0,
    // Checked with the rest of the head, for upgrades as well, and refused with a reason.
    requireHostHeader: false,
    shouldUpgradeCallback: (request) => upgradesOf(request).length > 0,
  }
  const server = createServer(options)
  // Bounded by their size; by their number Node would drop the rest without a word.
  server.maxHeadersCount = 0
  // A client may end what it sends and still wait for its answer. Not in the types.
  ;(server as Server & { httpAllowHalfOpen: boolean }).httpAllowHalfOpen = true
  return server
}
