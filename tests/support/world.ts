// SPDX-License-Identifier: Apache-2.0
import type { NamespaceCapabilities } from '@isola/protocol'
import { Client, type DriverReport } from '@isola/sdk'
import { afterAll, describe, inject, type TestContext, test } from 'vitest'
import { DRIVERS, type DriverName } from './driver-cells.ts'
import type { SuiteServer } from './suite-servers.ts'
import { type CreateOptions, Subject } from './subject.ts'

export type Skip = TestContext['skip']
type Body = (context: TestContext) => Promise<void> | void
type Open = Exclude<SuiteServer, { obstacle: string } | { failure: string }>

/** One driver as a test sees it: a server that runs, and sandboxes on it. */
export class World {
  readonly driver: DriverName
  readonly #server: SuiteServer
  #shared: Promise<Subject> | undefined
  #capabilities: Promise<Capabilities> | undefined

  constructor(driver: DriverName, server: SuiteServer) {
    this.driver = driver
    this.#server = server
  }

  /** Like vitest's, but skipped with the reason where this driver cannot run. */
  test(name: string, body: Body, timeoutMs = 60_000): void {
    test(name, { timeout: timeoutMs }, async (context) => {
      if ('obstacle' in this.#server) context.skip(`${this.driver}: ${this.#server.obstacle}`)
      const { unavailable } = await this.capabilities()
      if (unavailable !== null) context.skip(`${this.driver}: ${unavailable}`)
      await body(context)
    })
  }

  get server(): Open {
    if ('failure' in this.#server) throw new Error(`the server of this suite did not start: ${this.#server.failure}`)
    if ('obstacle' in this.#server) throw new Error(`there is no server: ${this.#server.obstacle}`)
    return this.#server
  }

  get connection(): { url: string } {
    return { url: `unix:${this.server.socketPath}` }
  }

  /** A sandbox that the tests of a file share; nothing may be done to it that the next test would notice. */
  shared(): Promise<Subject> {
    this.#shared ??= this.create()
    return this.#shared
  }

  /** A sandbox of one's own: `await using sandbox = await world.create()`. */
  create(options: CreateOptions = {}): Promise<Subject> {
    return Subject.create(this.connection, options)
  }

  /** What the server found that this host can do. */
  capabilities(): Promise<Capabilities> {
    this.#capabilities ??= readCapabilities(this.connection)
    return this.#capabilities
  }

  async requireRootInside(skip: Skip): Promise<void> {
    if ((await this.capabilities()).userns === 'single')
      skip(`${this.driver}: this account has a single user id, so there is no root inside`)
  }

  async requireLimit(limit: keyof NamespaceCapabilities['limits'], skip: Skip): Promise<void> {
    if (!(await this.holds(limit))) skip(`${this.driver}: the limit \`${limit}\` cannot be enforced here`)
  }

  /** Whether a limit that is asked for binds a sandbox of this driver here. */
  async holds(limit: keyof NamespaceCapabilities['limits']): Promise<boolean> {
    const { limits, userns } = await this.capabilities()
    // Counted per user id, of which root inside may have many.
    if (limit === 'pids' && limits.pids === 'rlimit') return userns !== 'range'
    return limits[limit] !== 'none'
  }

  async close(): Promise<void> {
    const shared = await this.#shared?.catch(() => undefined)
    await shared?.[Symbol.asyncDispose]()
  }
}

/** Defines the same tests for every driver. */
export function onEachDriver(define: (world: World) => void): void {
  const servers = inject('servers')
  for (const driver of DRIVERS) {
    describe(driver, () => {
      const world = new World(driver, servers[driver])
      afterAll(() => world.close())
      define(world)
    })
  }
}

type Capabilities = NamespaceCapabilities & { readonly unavailable: string | null }

async function readCapabilities(connection: { url: string }): Promise<Capabilities> {
  const client = new Client(connection)
  try {
    const { drivers } = await client.doctor()
    const report = drivers.find(({ driver }) => driver === 'namespace')
    if (report === undefined) throw new Error('the server does not report the namespace driver')
    // A probe that says what the host lacks is a reason to skip; a driver that cannot even probe is a failure.
    if (report.capabilities === null) throw new Error(`the driver cannot probe: ${broken(report).join('; ')}`)
    return { ...report.capabilities, unavailable: report.available ? null : broken(report).join('; ') }
  } finally {
    client.close()
  }
}

function broken(report: DriverReport): string[] {
  return report.checks.filter((check) => !check.ok).map((check) => `${check.id}: ${check.detail}`)
}
