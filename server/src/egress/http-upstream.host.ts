// SPDX-License-Identifier: Apache-2.0
import { Agent, type ClientRequest, type ClientRequestArgs, request } from 'node:http'
import { connect, type Socket } from 'node:net'
import type { RequestHead } from './http-request-head.ts'

const CONNECT_MS = 30_000
/** A server that vanished is noticed after this and ten probes a second apart. */
const PROBE_AFTER_MS = 60_000
const MAX_HEADER_BYTES = 64 * 1024

/**
 * The way from one client connection to the address it asked for, one connection at a time.
 *
 * Safety: address and port are those of the verdict on the connection. Nothing a client sends changes them, and
 * nothing is looked up: a name in their place is an error.
 */
export class HttpUpstream {
  readonly #address: string
  readonly #port: number
  readonly #agent: Agent
  #socket: Socket | undefined

  /** `onClose`: the server has closed a connection, perhaps between two requests. */
  constructor(address: string, port: number, onClose: () => void) {
    this.#address = address
    this.#port = port
    this.#agent = new Agent({ keepAlive: true, maxSockets: 1, maxFreeSockets: 1 })
    this.#agent.createConnection = (_options: ClientRequestArgs) => {
      const socket = open(address, port)
      this.#socket = socket
      socket.once('close', onClose)
      return socket
    }
    // What comes between two answers belongs to none: it would be taken for the answer to the next request.
    this.#agent.on('free', (socket: Socket) => {
      const onData = () => socket.destroy()
      socket.on('data', onData)
      this.#stopListening = () => socket.off('data', onData)
    })
  }

  #stopListening: () => void = () => {}

  /** There was a connection and it is over. */
  get isClosed(): boolean {
    return this.#socket?.destroyed === true
  }

  /** @throws when the head cannot be sent */
  request(head: RequestHead): ClientRequest {
    this.#stopListening()
    const outgoing = request({
      host: this.#address,
      port: this.#port,
      agent: this.#agent,
      setHost: false,
      maxHeaderSize: MAX_HEADER_BYTES,
      method: head.method,
      path: head.target,
      headers: head.headers,
    })
    // Bounded by their size; by their number Node would drop the rest without a word.
    outgoing.maxHeadersCount = 0
    return outgoing
  }

  destroy(): void {
    this.#agent.destroy()
    this.#socket?.destroy()
  }
}

function open(host: string, port: number): Socket {
  const socket = connect({
    host,
    port,
    keepAlive: true,
    keepAliveInitialDelay: PROBE_AFTER_MS,
    lookup: (name, _options, callback) => callback(new Error(`${name} is no address`), ''),
  })
  const timer = setTimeout(() => socket.destroy(new Error(`no connection within ${CONNECT_MS} ms`)), CONNECT_MS)
  socket.once('connect', () => clearTimeout(timer))
  socket.once('close', () => clearTimeout(timer))
  return socket
}
