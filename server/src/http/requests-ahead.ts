// SPDX-License-Identifier: Apache-2.0
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** Clients that send requests ahead send a few. Node works on all of them at once and keeps every answer. */
const MOST_AHEAD = 8

/** Counts the requests in work on each connection; one with too many is no client of ours. */
export class RequestsAhead {
  readonly #inWork = new WeakMap<Socket, number>()

  /** True when the request is served; false when its connection was ended instead. */
  begin(request: IncomingMessage, response: ServerResponse): boolean {
    const { socket } = request
    if (socket.destroyed) return false
    const count = (this.#inWork.get(socket) ?? 0) + 1
    if (count > MOST_AHEAD) {
      socket.destroy()
      return false
    }
    this.#inWork.set(socket, count)
    response.once('close', () => this.#inWork.set(socket, (this.#inWork.get(socket) ?? 1) - 1))
    return true
  }
}
