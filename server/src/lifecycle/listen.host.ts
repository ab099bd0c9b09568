// SPDX-License-Identifier: Apache-2.0
import { rmSync, statSync } from 'node:fs'
import { type AddressInfo, connect, type Server } from 'node:net'
import { IsolaError } from '@isola/protocol'

const MAX_SOCKET_PATH_BYTES = 107
const NOT_FOR_OTHERS = 0o177

/** Only what both `isolad` and `isola serve` know. */
const OTHER_ADDRESS = 'give another address with --listen'
const OTHER_DIRECTORY = 'set ISOLA_STATE_DIR to another directory'

/**
 * Listens on a unix socket that has mode 0600 from its first instant.
 *
 * Safety: the umask is set for the one synchronous call that binds. A file that is no socket is
 * never removed, and a socket only when nobody answers there.
 */
export async function listenOnSocket(server: Server, path: string): Promise<void> {
  const size = Buffer.byteLength(path)
  if (size > MAX_SOCKET_PATH_BYTES) {
    throw new IsolaError(
      'server.start_failed',
      `listen on ${path}: the path has ${size} bytes, ${MAX_SOCKET_PATH_BYTES} are possible`,
      {
        hint: 'give a shorter path with --socket',
      },
    )
  }
  await removeStaleSocket(path)
  const umask = process.umask(NOT_FOR_OTHERS)
  let listening: Promise<void>
  try {
    listening = started(server, path, OTHER_DIRECTORY, () => server.listen(path))
  } finally {
    process.umask(umask)
  }
  await listening
}

/** @returns the address as a URL; port 0 lets the kernel choose */
export async function listenOnTcp(server: Server, host: string, port: number): Promise<string> {
  await started(server, `${host}:${port}`, OTHER_ADDRESS, () => server.listen({ host, port }))
  const { address, port: bound, family } = server.address() as AddressInfo
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${bound}`
}

function started(server: Server, where: string, elsewhere: string, listen: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => reject(explain(error, where, elsewhere))
    server.once('error', onError)
    server.once('listening', () => {
      server.off('error', onError)
      resolve()
    })
    listen()
  })
}

async function removeStaleSocket(path: string): Promise<void> {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat === undefined) return
  if (!stat.isSocket())
    throw new IsolaError('server.start_failed', `listen on ${path}: it is a file, not a socket`, {
      hint: `remove it, or ${OTHER_DIRECTORY}`,
    })
  if (await answers(path)) throw explain({ code: 'EADDRINUSE' }, path, OTHER_DIRECTORY)
  rmSync(path, { force: true })
}

/** Whether somebody accepts connections on this socket. */
export function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', (error: NodeJS.ErrnoException) =>
      resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT'),
    )
  })
}

interface Failure {
  readonly code?: string | undefined
  readonly message?: string | undefined
}

/** @param elsewhere how to make it listen in another place */
function explain(error: Failure, where: string, elsewhere: string): IsolaError {
  const [problem, hint] = reasonOf(error, elsewhere)
  return new IsolaError('server.start_failed', `listen on ${where}: ${problem}`, {
    hint,
    context: { address: where },
    cause: error,
  })
}

function reasonOf({ code, message }: Failure, elsewhere: string): [problem: string, hint: string] {
  switch (code) {
    case 'EADDRINUSE':
      return ['another program listens there', `end it, or ${elsewhere}`]
    case 'EACCES':
      return ['not allowed', elsewhere === OTHER_ADDRESS ? 'give a port above 1023' : elsewhere]
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return ['this host has no such address', 'try 127.0.0.1']
    default:
      return [message ?? code ?? 'unknown reason', elsewhere]
  }
}
