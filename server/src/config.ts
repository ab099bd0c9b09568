// SPDX-License-Identifier: Apache-2.0
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { parseAddress } from '@isola/core'
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
  /** Where names of sandboxes are looked up, `ADDRESS` or `ADDRESS:PORT`; default: as the host does. */
  readonly dnsServers?: readonly string[]
}

const OPTIONS = {
  state: { type: 'string' },
  socket: { type: 'string' },
  listen: { type: 'string' },
  pool: { type: 'string' },
  dns: { type: 'string', multiple: true },
  auto: { type: 'boolean' },
  'idle-exit-ms': { type: 'string' },
} as const

type Environment = Readonly<Record<string, string | undefined>>

/** With the name under which it was written, so that a refusal speaks of that one. */
interface Setting {
  readonly name: string
  readonly value: string | undefined
}

/** @throws request.invalid for an option that cannot be understood */
export function parseServerConfig(args: readonly string[], env: Environment): ServerConfig {
  const values = parseOptions(args)
  const idleExitMs =
    wholeNumber({ name: '--idle-exit-ms', value: values['idle-exit-ms'] }, 1, 2 ** 31 - 1) ??
    (values.auto === true ? DEFAULT_IDLE_EXIT_MS : undefined)
  return {
    stateDirectory: resolve(values.state ?? stateDirectoryOf(env)),
    poolSize: wholeNumber(optionOr('--pool', values.pool, 'ISOLA_POOL', env), 0, MAX_POOL_SIZE) ?? DEFAULT_POOL_SIZE,
    ...dnsServers(optionOr('--dns', values.dns?.join(), 'ISOLA_DNS', env)),
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

/** The option, or else the variable; one that is empty is as if it were not set. */
function optionOr(option: string, value: string | undefined, variable: string, env: Environment): Setting {
  return value === undefined ? { name: variable, value: env[variable] || undefined } : { name: option, value }
}

function refuse({ name, value }: Setting, problem: string, remedy: string): IsolaError {
  return new IsolaError('request.invalid', `${name} ${value}: ${problem}`, {
    hint: `${remedy}, or ${name.startsWith('--') ? 'leave it out' : 'unset it'}`,
  })
}

function dnsServers({ name, value }: Setting): Pick<ServerConfig, 'dnsServers'> {
  if (value === undefined) return {}
  const given = value.split(',')
  for (const server of given) {
    const host =
      /^\[(.+)\](?::\d{1,5})?$/.exec(server)?.[1] ??
      (parseAddress(server) === undefined ? server.replace(/:\d{1,5}$/, '') : server)
    if (parseAddress(host) === undefined) {
      const remedy = 'write ADDRESS or ADDRESS:PORT, e.g. 9.9.9.9 or 127.0.0.1:5353; IPv6 with a port in brackets'
      throw refuse({ name, value: server }, 'not an address', remedy)
    }
  }
  return { dnsServers: given }
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

function wholeNumber(setting: Setting, least: number, most: number): number | undefined {
  const { value } = setting
  if (value === undefined) return undefined
  const number = Number(value)
  if (/^\d+$/.test(value) && number >= least && number <= most) return number
  throw refuse(setting, `not a whole number from ${least} to ${most}`, 'write one that is')
}
