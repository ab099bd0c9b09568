// SPDX-License-Identifier: Apache-2.0
import type { Duplex } from 'node:stream'

const LINGER_MS = 5_000

/**
 * Ends our half of a connection, after a last word. Closing both halves at once would meet a client
 * that still writes (its last credit, the end of its input) with a broken pipe, which takes from it
 * what it has not read yet. So the client closes; one that does not is cut off.
 */
export function endAndLinger(socket: Duplex, lastWord = ''): void {
  if (socket.destroyed || socket.writableEnded) return
  const timer = setTimeout(() => socket.destroy(), LINGER_MS)
  socket.once('close', () => clearTimeout(timer))
  const closeIfOver = (): void => {
    if (socket.readableEnded && socket.writableFinished) socket.destroy()
  }
  socket.once('end', closeIfOver)
  // Nobody wants to know what still comes, but only what is read comes to its end.
  socket.resume()
  socket.end(lastWord, closeIfOver)
}
