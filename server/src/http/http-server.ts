// SPDX-License-Identifier: Apache-2.0
import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { FRAMES_UPGRADE, IsolaError } from '@isola/protocol'
import type { Access } from '../access/access.ts'
import { ProcessStream, type ProcessStreamDeps } from '../streams/process-stream.ts'
import { admit, closing, type DispatchDeps, dispatch } from './dispatch.ts'
import { sendErrorOnSocket, toIsolaError } from './error-response.ts'
import { RequestsAhead } from './requests-ahead.ts'
import { openFilesMax } from './open-files-max.host.ts'

const MAX_HEADER_BYTES = 32 * 1024
const HEADERS_TIMEOUT_MS = 15_000
const KEEP_ALIVE_MS = 75_000
/** A TCP peer that vanished is noticed after this and ten probes a second apart. */
const PROBE_AFTER_MS = 10_000
/** Of all descriptors, for the connections of one listener; there are two, and sandboxes, store and log need some as well. */
const SHARE_OF_DESCRIPTORS = 1 / 4

// Newer than the types: lets requests with other upgrades (curl offers h2c) pass as plain ones.
type Options = ServerOptions & { shouldUpgradeCallback(request: IncomingMessage): boolean }

export type HttpDeps = DispatchDeps & ProcessStreamDeps

/** One listener: plain requests go to the handlers, upgrades to process streams. */
export class HttpServer {
  readonly server: Server
  readonly #deps: HttpDeps
  readonly #access: Access
  readonly #streams = new Set<Duplex>()

  constructor(deps: HttpDeps, access: Access) {
    this.#deps = deps
    this.#access = access
    const options: Options = {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: HEADERS_TIMEOUT_MS,
      // Uploads take as long as they take; each wait for a body has its own limit.
      requestTimeout: 0,
      keepAliveTimeout: KEEP_ALIVE_MS,
      noDelay: true,
      // Refused, where it matters, with an error of the registry.
      requireHostHeader: false,
      shouldUpgradeCallback: (request) => isFramesUpgrade(request),
    }
    const ahead = new RequestsAhead()
    const serve = (request: IncomingMessage, response: ServerResponse): void => {
      if (ahead.begin(request, response)) void dispatch(deps, access, request, response)
    }
    this.server = createServer(options, serve)
    this.server.maxConnections = Math.floor(openFilesMax() * SHARE_OF_DESCRIPTORS)
    this.server.on('checkContinue', serve)
    this.server.on('upgrade', (request, socket, head) => void this.#upgrade(request, socket, head))
    this.server.on('clientError', (error: NodeJS.ErrnoException, socket) =>
      sendErrorOnSocket(socket, parseFailure(error)),
    )
  }

  /** No new connections; those without a request end now. */
  stopAccepting(): void {
    this.server.close()
    this.server.closeIdleConnections()
  }

  /** Ends what is still open, processes of streams included. */
  closeConnections(): void {
    this.server.closeAllConnections()
    for (const socket of this.#streams) socket.destroy()
  }

  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    using _busy = this.#deps.activity.begin()
    // Until the stream has its own listener: a client that resets the connection must not end the server.
    socket.on('error', () => {})
    this.#streams.add(socket)
    socket.once('close', () => this.#streams.delete(socket))
    try {
      const sandbox = this.#admitStream(request)
      using _claim = release(this.#deps.service.claim(sandbox))
      if (socket instanceof Socket) socket.setTimeout(0).setNoDelay(true).setKeepAlive(true, PROBE_AFTER_MS)
      socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${FRAMES_UPGRADE}\r\n\r\n`)
      await new ProcessStream(this.#deps, sandbox, socket).serve(head)
    } catch (error) {
      sendErrorOnSocket(socket, toIsolaError(error, 'stream', this.#deps.journal))
    }
  }

  /** @returns the id of the sandbox */
  #admitStream(request: IncomingMessage): string {
    if (this.#deps.activity.isClosing) throw closing()
    const { route } = admit(this.#access, request)
    // A name may mean another sandbox by the time the stream ends.
    if (route.name === 'streamProcess' && isFramesUpgrade(request))
      return this.#deps.service.get(route.params['sandbox'] ?? '').id
    throw new IsolaError('request.invalid', `${route.name} has no upgrade to ${request.headers.upgrade}`, {
      hint: `only a process stream is upgraded, to ${FRAMES_UPGRADE}`,
    })
  }
}

function isFramesUpgrade(request: IncomingMessage): boolean {
  return request.headers.upgrade?.toLowerCase() === FRAMES_UPGRADE
}

function release(end: () => void): Disposable {
  return { [Symbol.dispose]: end }
}

function parseFailure(error: NodeJS.ErrnoException): IsolaError {
  if (error.code === 'HPE_HEADER_OVERFLOW') {
    return new IsolaError('request.too_large', `headers are larger than ${MAX_HEADER_BYTES} bytes`)
  }
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new IsolaError('request.timed_out', `headers did not arrive within ${HEADERS_TIMEOUT_MS} ms`)
  }
  return new IsolaError('request.invalid', `not an HTTP request: ${error.message}`)
}
