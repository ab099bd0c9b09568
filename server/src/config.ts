// SPDX-License-Identifier: Apache-2.0
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { IsolaError } from '@isola/protocol'

const DEFAULT_IDLE_EXIT_MS = 60_000
const DEFAULT_POOL_SIZE = 2
const MAX_POOL_SIZE = 1000

export interface ServerConfig {
  readonly stateDirectory: string
  /** Default: `isolad.sock` in the state directory. */
  readonly socketPath?: string
  readonly listen?: { readonly host: string; readonly port: number }
  /** Ends itself after this long without requests and sandboxes; undefined stays until it is told to stop. */
  readonly idleExitMs?: number
  /** Blanks kept ready. */
  readonly poolSize: number
}

const OPTIONS = {
  state: { type: 'string' },
  socket: { type: 'string' },
  listen: { type: 'string' },
  pool: { type: 'string' },
  auto: { type: 'boolean' },
  'idle-exit-ms': { type: 'string' },
} as const

type Environment = Readonly<Record<string, string | undefined>>

/** @throws request.invalid for an option that cannot be understood */
export function parseServerConfig(args: readonly string[], env: Environment): ServerConfig {
  const values = parseOptions(args)
  const idleExitMs =
    wholeNumber('--idle-exit-ms', values['idle-exit-ms'], 1, 2 ** 31 - 1) ??
    (values.auto === true ? DEFAULT_IDLE_EXIT_MS : undefined)
  return {
    stateDirectory: resolve(values.state ?? stateDirectoryOf(env)),
    poolSize: wholeNumber('--pool', values.pool ?? env['ISOLA_POOL'], 0, MAX_POOL_SIZE) ?? DEFAULT_POOL_SIZE,
    ...(values.socket === undefined ? {} : { socketPath: resolve(values.socket) }),
    ...(values.listen === undefined ? {} : { listen: parseListen(values.listen) }),
    ...(idleExitMs === undefined ? {} : { idleExitMs }),
  }
}

export function stateDirectoryOf(env: Environment): string {
  const chosen = env['ISOLA_STATE_DIR']
  if (chosen !== undefined && chosen !== '') return chosen
  if (process.getuid?.() === 0) return '/var/lib/isola'
  const dataHome = env['XDG_DATA_HOME']
  return join(dataHome?.startsWith('/') === true ? dataHome : join(homedir(), '.local', 'share'), 'isola')
}

function parseOptions(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, strict: true, allowPositionals: false }).values
  } catch (error) {
    throw new IsolaError('request.invalid', `isolad: ${(error as Error).message}`, {
      hint: `options: --${Object.keys(OPTIONS).join(', --')}`,
    })
  }
}

function parseListen(value: string): { host: string; port: number } {
  const match = /^(?:(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+)):)?(\d{1,5})$/.exec(value)
  const port = Number(match?.[3])
  if (match === null || port > 65535) {
    throw new IsolaError('request.invalid', `--listen ${value}: not an address`, {
      hint: 'write HOST:PORT, e.g. 127.0.0.1:4949; IPv6 in brackets',
    })
  }
  return { host: match[1] ?? match[2] ?? '127.0.0.1', port }
}

function wholeNumber(option: string, value: string | undefined, least: number, most: number): number | undefined {
  if (value === undefined) return undefined
  const number = Number(value)
  if (/^\d+$/.test(value) && number >= least && number <= most) return number
  throw new IsolaError('request.invalid', `${option} ${value}: not a whole number from ${least} to ${most}`)
}
