// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Access, localAccess } from '../src/access/access.ts'
import { NetworkLog } from '../src/egress/network-log.ts'
import { allHandlers } from '../src/http/handlers/all-handlers.ts'
import { HttpServer } from '../src/http/http-server.ts'
import { WAITS, type Waits } from '../src/http/waits.ts'
import { Activity } from '../src/lifecycle/activity.ts'
import { makeJournal } from '../src/lifecycle/journal.ts'
import { FakeService } from './fake-service.ts'

/** A real listener over a fake domain. */
export class TestServer implements AsyncDisposable {
  readonly service = new FakeService()
  readonly networkLog = new NetworkLog()
  readonly activity = new Activity()
  readonly log: string[] = []
  readonly directory = mkdtempSync(join(tmpdir(), 'isola-server-'))
  readonly socketPath = join(this.directory, 's')
  readonly http: HttpServer
  port = 0

  private constructor(access: Access, waits: Partial<Waits>) {
    const { service, activity } = this
    const facts = {
      version: '1.2.3',
      agentGeneration: 1,
      openapi: async () => Buffer.from('{"openapi":"3.1.1"}'),
      doctor: async () => ({ drivers: [], stateDirectory: this.directory }),
    }
    const evidence = {
      log: this.networkLog,
      explain: async () => ({ verdict: 'deny' as const, rule: null, reason: 'no rule allows it', steps: [] }),
    }
    const journal = makeJournal((line) => this.log.push(line))
    this.http = new HttpServer(
      { handlers: allHandlers(service, evidence, facts), service, activity, journal, waits: { ...WAITS, ...waits } },
      access,
    )
  }

  static async start(options: { access?: Access; waits?: Partial<Waits> } = {}): Promise<TestServer> {
    const server = new TestServer(options.access ?? localAccess, options.waits ?? {})
    const where = options.access === undefined ? { path: server.socketPath } : { host: '127.0.0.1', port: 0 }
    await new Promise<void>((resolve) => server.http.server.listen(where, resolve))
    if (options.access !== undefined) server.port = (server.http.server.address() as AddressInfo).port
    return server
  }

  get target(): { socketPath: string } | { host: string; port: number } {
    return this.port === 0 ? { socketPath: this.socketPath } : { host: '127.0.0.1', port: this.port }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.http.stopAccepting()
    this.http.closeConnections()
    await this.activity.quiet(5_000)
    rmSync(this.directory, { recursive: true })
  }
}
