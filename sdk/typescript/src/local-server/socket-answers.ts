// SPDX-License-Identifier: Apache-2.0
import { watch } from 'node:fs'
import { connect } from 'node:net'
import { dirname } from 'node:path'
import { IsolaError } from '@isola/protocol/wire'

/** Resolves once something accepts connections at `socketPath`; each change beside it is a reason to look again. */
export async function socketAnswers(socketPath: string, deadlineMs: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let again: NodeJS.Timeout | undefined
  const attempt = (): void => {
    clearTimeout(again)
    const socket = connect(socketPath)
    socket.once('connect', () => {
      socket.destroy()
      resolve()
    })
    socket.once('error', (error: NodeJS.ErrnoException) => {
      socket.destroy()
      // A socket has its name a moment before it listens, and no change tells of that.
      if (error.code === 'ECONNREFUSED') again = setTimeout(attempt, 25)
    })
  }
  const watcher = watch(dirname(socketPath), attempt)
  watcher.on('error', reject)
  const timer = setTimeout(() => {
    reject(
      new IsolaError(
        'server.unreachable',
        `connect to ${socketPath}: another server holds the state directory but does not answer`,
        {
          hint: 'wait for it to end, or end it; its log is beside the socket',
        },
      ),
    )
  }, deadlineMs)
  attempt()
  try {
    await promise
  } finally {
    clearTimeout(timer)
    clearTimeout(again)
    watcher.close()
  }
}
