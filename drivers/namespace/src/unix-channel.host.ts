// SPDX-License-Identifier: Apache-2.0
import { connect, type Socket } from 'node:net'
import type { ByteChannel, Operation } from '@isola/core'

/**
 * Connects to a unix socket.
 * Safety: the path was made by the launcher, in a directory that only this user may enter.
 */
export async function connectUnix(path: string, operation: Operation): Promise<ByteChannel> {
  const socket = connect({ path })
  try {
    await operation.race(
      new Promise<void>((resolve, reject) => {
        socket.once('connect', resolve)
        socket.once('error', reject)
      }),
    )
    return socketChannel(socket)
  } catch (error) {
    socket.on('error', () => {})
    socket.destroy()
    throw error
  }
}

/** A connected socket as a byte channel. Writes of one turn of the event loop leave together. */
export function socketChannel(socket: Socket): ByteChannel {
  let failure: Error | undefined
  let isCorked = false
  socket.on('error', (error) => {
    failure = error
  })
  const uncork = (): void => {
    isCorked = false
    socket.uncork()
  }
  return {
    write(chunk) {
      if (!isCorked) {
        isCorked = true
        socket.cork()
        process.nextTick(uncork)
      }
      return socket.write(chunk)
    },
    onData: (listener) => void socket.on('data', listener),
    onDrain: (listener) => void socket.on('drain', listener),
    onClose: (listener) => void socket.once('close', () => listener(failure)),
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    close: () => socket.destroySoon(),
  }
}
