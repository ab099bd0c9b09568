// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path'
import { createSandboxService, type Driver, type Journal, Operation, type SandboxDomain } from '@isola/core'
import { AGENT_GENERATION } from '@isola/protocol'
import { localAccess } from '../access/access.ts'
import type { ServerConfig } from '../config.ts'
import { doctorReport } from '../doctor.ts'
import { createNameLookup } from '../egress/dns-lookup.host.ts'
import { Egresses } from '../egress/egresses.ts'
import { allHandlers } from '../http/handlers/all-handlers.ts'
import { type HttpDeps, HttpServer } from '../http/http-server.ts'
import { WAITS } from '../http/waits.ts'
import { readOpenapi } from '../openapi.host.ts'
import { SqliteStore } from '../store/sqlite-store.ts'
import { serverVersion } from '../version.host.ts'
import { Activity } from './activity.ts'
import { becomeTheOne } from './become-the-one.ts'
import { exitWhenIdle } from './idle-exit.ts'
import { listenOnSocket, listenOnTcp } from './listen.host.ts'
import { openStateDirectory } from './state-directory.host.ts'
import { systemClock, systemRandom } from './system-ports.ts'

const START_MS = 60_000

export type MakeDrivers = (stateDirectory: string, journal: Journal) => readonly Driver[]

export interface RunningServer {
  readonly version: string
  readonly stateDirectory: string
  readonly socketPath: string
  /** Of the TCP listener. */
  readonly url: string | null
  readonly keyFile: string | null
  /** Resolves when the server has stopped, whoever asked for it. */
  readonly stopped: Promise<void>
  /** Finishes what is in flight, up to a deadline; sandboxes live on. */
  stop(reason: string): Promise<void>
}

/** Brings a server up, step by step; what was opened is closed in reverse when a step fails or the server stops. */
export async function serve(config: ServerConfig, makeDrivers: MakeDrivers, journal: Journal): Promise<RunningServer> {
  await using opened = new AsyncDisposableStack()
  const stateDirectory = openStateDirectory(config.stateDirectory)
  const socketPath = config.socketPath ?? join(stateDirectory, 'isolad.sock')
  const lock = await becomeTheOne(stateDirectory, socketPath)
  opened.defer(() => lock.release())
  const store = new SqliteStore(join(stateDirectory, 'isola.sqlite'))
  opened.defer(() => store.close())
  const drivers = makeDrivers(stateDirectory, journal)
  for (const driver of drivers) opened.defer(() => driver.close())

  const egresses = new Egresses({
    stateDirectory,
    journal,
    lookup: createNameLookup(config.dnsServers === undefined ? {} : { servers: config.dnsServers }),
    findRegistries: async () => (await import('../egress/registry-hosts.host.ts')).findRegistries(),
    nowMs: () => systemClock.nowMs(),
  })
  opened.use(egresses)
  const { poolSize } = config
  const domain = createSandboxService({
    drivers,
    store,
    clock: systemClock,
    random: systemRandom,
    journal,
    egress: egresses,
    poolSize,
  })
  opened.defer(() => domain.close())
  const adoption = await domain.start(new Operation('start', { timeoutMs: START_MS }))
  journal.info('took over what an earlier server left', { ...adoption })

  const activity = new Activity()
  const version = serverVersion()
  const facts = {
    version,
    agentGeneration: AGENT_GENERATION,
    openapi: readOpenapi,
    doctor: () => doctorReport(drivers, stateDirectory, systemRandom),
  }
  const deps: HttpDeps = {
    handlers: allHandlers(domain, egresses, facts),
    service: domain,
    activity,
    journal,
    waits: WAITS,
  }
  const { servers, url, keyFile } = await openListeners(config, deps, stateDirectory, socketPath)
  journal.info('ready', { version, pid: process.pid, socketPath, url })

  const resources = opened.move()
  return runUntilStopped(
    { config, journal, activity, domain, servers, resources },
    { version, stateDirectory, socketPath, url, keyFile },
  )
}

interface Listeners {
  readonly servers: readonly HttpServer[]
  readonly url: string | null
  readonly keyFile: string | null
}

/** TCP first: the socket is what clients watch for, so it comes when nothing can fail any more. */
async function openListeners(
  config: ServerConfig,
  deps: HttpDeps,
  stateDirectory: string,
  socketPath: string,
): Promise<Listeners> {
  const local = new HttpServer(deps, localAccess)
  if (config.listen === undefined) {
    await listenOnSocket(local.server, socketPath)
    return { servers: [local], url: null, keyFile: null }
  }
  const { host, port } = config.listen
  const [{ keyAccess }, { loadApiKey }] = await Promise.all([
    import('../access/key-access.ts'),
    import('../access/api-key.host.ts'),
  ])
  const keyFile = join(stateDirectory, 'api-key')
  const remote = new HttpServer(deps, keyAccess(loadApiKey(keyFile), host))
  const url = await listenOnTcp(remote.server, host, port)
  try {
    await listenOnSocket(local.server, socketPath)
  } catch (error) {
    remote.stopAccepting()
    throw error
  }
  return { servers: [local, remote], url, keyFile }
}

interface Parts {
  readonly config: ServerConfig
  readonly journal: Journal
  readonly activity: Activity
  readonly domain: SandboxDomain
  readonly servers: readonly HttpServer[]
  readonly resources: AsyncDisposableStack
}

function runUntilStopped(parts: Parts, facts: Omit<RunningServer, 'stopped' | 'stop'>): RunningServer {
  const { config, journal, activity, domain, servers } = parts
  const stopped = Promise.withResolvers<void>()
  let isStopping = false
  const stop = (reason: string): Promise<void> => {
    if (!isStopping) {
      isStopping = true
      journal.info('stopping', { reason })
      stopAll(servers, activity, parts.resources).then(stopped.resolve, stopped.reject)
    }
    return stopped.promise
  }
  if (config.idleExitMs !== undefined) {
    const exit = (): void =>
      void stop('idle, and no sandbox lives').catch((error: unknown) => journal.warn('stopping failed', { error }))
    exitWhenIdle({
      activity,
      clock: systemClock,
      idleMs: config.idleExitMs,
      livingCount: () => domain.livingCount(),
      exit,
    })
  }
  return { ...facts, stopped: stopped.promise, stop }
}

async function stopAll(
  servers: readonly HttpServer[],
  activity: Activity,
  resources: AsyncDisposableStack,
): Promise<void> {
  activity.close()
  for (const server of servers) server.stopAccepting()
  await activity.quiet(WAITS.closeMs)
  for (const server of servers) server.closeConnections()
  await activity.quiet(WAITS.destroyMs)
  await resources.disposeAsync()
}
