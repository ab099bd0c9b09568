// SPDX-License-Identifier: Apache-2.0
import { join, resolve } from 'node:path'
import { defaultStateDirectory } from '../local-server/state-directory.ts'
import { SdkError } from '../sdk-error.ts'

const MAX_SOCKET_PATH_BYTES = 107

/** Where a server listens. */
export type Address =
  | { readonly kind: 'unix'; readonly socketPath: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }

export interface ConnectionOptions {
  /** `http://host:port` or `unix:/path`; default `ISOLA_URL`, else the local server of this user. */
  readonly url?: string | undefined
  /** Default `ISOLA_API_KEY`; a unix socket needs none. */
  readonly apiKey?: string | undefined
  /** Where the local server keeps its state; default `ISOLA_STATE_DIR`, else that of this user. */
  readonly stateDirectory?: string | undefined
}

export interface Target {
  readonly address: Address
  readonly apiKey: string | undefined
  /** Set when this is the local server, which may be started: its state directory. */
  readonly stateDirectory: string | undefined
}

export type Environment = Readonly<Record<string, string | undefined>>

/** Decides where to connect: what was given, then the environment, then the local server. */
export function resolveTarget(options: ConnectionOptions, env: Environment): Target {
  const url = options.url ?? (options.stateDirectory === undefined ? nonEmpty(env['ISOLA_URL']) : undefined)
  const apiKey = options.apiKey ?? nonEmpty(env['ISOLA_API_KEY'])
  if (url !== undefined) return { address: parseAddress(url), apiKey, stateDirectory: undefined }
  const stateDirectory = resolve(options.stateDirectory ?? defaultStateDirectory(env))
  return { address: unixAddress(join(stateDirectory, 'isolad.sock')), apiKey, stateDirectory }
}

/** @throws {SdkError} argument.invalid */
export function parseAddress(url: string): Address {
  const path = url.startsWith('unix:') ? url.slice('unix:'.length).replace(/^\/\//, '') : undefined
  if (path?.startsWith('/')) return unixAddress(path)
  const parsed = URL.parse(url)
  if (path === undefined && parsed?.protocol === 'http:' && parsed.hostname !== '' && isBare(parsed)) {
    return { kind: 'tcp', host: parsed.hostname.replace(/^\[|\]$/g, ''), port: Number(parsed.port || 80) }
  }
  throw new SdkError(
    'argument.invalid',
    `read the server address ${JSON.stringify(url)}`,
    'write http://HOST:PORT or unix:/path/to/isolad.sock (see ISOLA_URL)',
  )
}

export function describeAddress(address: Address): string {
  return address.kind === 'unix' ? address.socketPath : `${address.host}:${address.port}`
}

/** The kernel takes no longer names, and what it says then helps nobody. */
function unixAddress(socketPath: string): Address {
  if (Buffer.byteLength(socketPath) <= MAX_SOCKET_PATH_BYTES) return { kind: 'unix', socketPath }
  throw new SdkError(
    'argument.invalid',
    `connect to ${socketPath}: a socket's path has at most ${MAX_SOCKET_PATH_BYTES} bytes`,
    'set ISOLA_STATE_DIR, or ISOLA_URL, to a shorter path',
  )
}

function isBare(url: URL): boolean {
  return url.username === '' && url.password === '' && url.pathname === '/' && url.search === '' && url.hash === ''
}

function nonEmpty(value: string | undefined): string | undefined {
  return value === '' ? undefined : value
}
