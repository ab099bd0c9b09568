// SPDX-License-Identifier: Apache-2.0
import { rmSync, statSync } from 'node:fs'
import { type AddressInfo, connect, type Server } from 'node:net'
import { IsolaError } from '@isola/protocol'

const MAX_SOCKET_PATH_BYTES = 107
const NOT_FOR_OTHERS = 0o177

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
    listening = started(server, path, () => server.listen(path))
  } finally {
    process.umask(umask)
  }
  await listening
}

/** @returns the address as a URL; port 0 lets the kernel choose */
export async function listenOnTcp(server: Server, host: string, port: number): Promise<string> {
  await started(server, `${host}:${port}`, () => server.listen({ host, port }))
  const { address, port: bound, family } = server.address() as AddressInfo
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${bound}`
}

function started(server: Server, where: string, listen: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => reject(explain(error, where))
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
      hint: 'remove it, or give another path with --socket',
    })
  if (await answers(path)) throw explain({ code: 'EADDRINUSE' }, path)
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

function explain(error: { code?: string | undefined; message?: string | undefined }, where: string): IsolaError {
  const [problem, hint] = reasonOf(error)
  return new IsolaError('server.start_failed', `listen on ${where}: ${problem}`, {
    hint,
    context: { address: where },
    cause: error,
  })
}

function reasonOf({
  code,
  message,
}: {
  code?: string | undefined
  message?: string | undefined
}): [problem: string, hint: string] {
  switch (code) {
    case 'EADDRINUSE':
      return ['another program listens there', 'end it, or give another address with --listen or --socket']
    case 'EACCES':
      return ['not allowed', 'give a port above 1023, or a directory of your own']
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return ['this host has no such address', 'try 127.0.0.1']
    default:
      return [message ?? code ?? 'unknown reason', 'give another address with --listen or --socket']
  }
}
