// SPDX-License-Identifier: Apache-2.0
import { Agent } from 'node:http'
import type { Socket } from 'node:net'
import type { DoctorReport, ServerInfo } from '@isola/protocol'
import { IsolaError } from '@isola/protocol/wire'
import { refuseForeignDirectory } from '../local-server/foreign-directory.ts'
import { startServer } from '../local-server/start-server.host.ts'
import { type ConnectionOptions, describeAddress, resolveTarget, type Target } from './address.ts'
import { ConnectFailure, exchange, type HttpRequest, type HttpResponse, LostConnection } from './exchange.ts'
import { upgrade } from './upgrade.ts'

export interface ClientOptions extends ConnectionOptions {
  /** Start the local server when none answers; default true. Never done for a `url`. */
  readonly autoStart?: boolean | undefined
  /** Called when the local server has to be started first. */
  readonly onServerStart?: (() => void) | undefined
  /** Path of `isolad.js`; default: the one that is installed. */
  readonly serverProgram?: string | undefined
}

/**
 * Well below the time after which servers and what stands before them close a kept connection. While a program is busy
 * it does not hear of that, and would find out only by the loss of a request.
 */
const TRUSTED_AFTER_ANSWER_MS = 1000

/** One server and the connections to it, which are kept open between requests. */
export class Client {
  readonly #target: Target
  readonly #options: ClientOptions
  // `lifo` keeps few connections warm instead of many lukewarm ones.
  readonly #agent = new Agent({ keepAlive: true, scheduling: 'lifo' })
  #starting: Promise<void> | undefined
  #isOwn = false
  #answeredAtMs = -Infinity

  constructor(options: ClientOptions = {}) {
    this.#options = options
    this.#target = resolveTarget(options, process.env)
  }

  /** Where this client connects to, in words. */
  get address(): string {
    return describeAddress(this.#target.address)
  }

  /** The state directory of the local server; undefined when a `url` was given. */
  get stateDirectory(): string | undefined {
    return this.#target.stateDirectory
  }

  info(signal?: AbortSignal): Promise<ServerInfo> {
    return this.requestJson<ServerInfo>({ method: 'GET', path: '/v1/server', signal })
  }

  doctor(signal?: AbortSignal): Promise<DoctorReport> {
    return this.requestJson<DoctorReport>({ method: 'GET', path: '/v1/doctor', signal })
  }

  /** @throws {IsolaError} what the server answered, or server.unreachable */
  async request(request: HttpRequest): Promise<HttpResponse> {
    try {
      return await this.#withServer(() => this.#exchange(request))
    } catch (error) {
      throw this.#explain(error)
    }
  }

  async requestJson<Result>(request: HttpRequest): Promise<Result> {
    const response = await this.request(request)
    return (await response.json()) as Result
  }

  /** Opens a connection of its own that speaks frames; used by process streams. */
  async upgrade(path: string, signal: AbortSignal | undefined): Promise<{ socket: Socket; head: Uint8Array }> {
    try {
      return await this.#withServer(() => upgrade(this.#target, path, signal))
    } catch (error) {
      throw this.#explain(error)
    }
  }

  /** Closes the kept connections. The server and its sandboxes live on. */
  close(): void {
    this.#agent.destroy()
  }

  async #exchange(request: HttpRequest): Promise<HttpResponse> {
    const mayBeSentTwice = request.method === 'GET' || request.repeatable === true
    try {
      return await this.#send(request, mayBeSentTwice || this.#trustsKept ? this.#agent : false)
    } catch (error) {
      if (!(error instanceof LostConnection) || isStream(request.body)) throw error
      // Of bytes, unlike JSON, a part is worth something and may have been taken.
      if (!mayBeSentTwice && (error.mayHaveArrived || request.body !== undefined)) throw error
      return this.#send(request, this.#agent)
    }
  }

  async #send(request: HttpRequest, connections: Agent | false): Promise<HttpResponse> {
    const response = await exchange(this.#target, connections, request)
    this.#answeredAtMs = performance.now()
    return response
  }

  get #trustsKept(): boolean {
    return performance.now() - this.#answeredAtMs < TRUSTED_AFTER_ANSWER_MS
  }

  /** Does it; when nobody listens and this is the local server, starts that and does it again. */
  async #withServer<Result>(action: () => Promise<Result>): Promise<Result> {
    this.#refuseForeignServer()
    try {
      return await action()
    } catch (error) {
      const { stateDirectory } = this.#target
      const startable = stateDirectory !== undefined && this.#options.autoStart !== false
      if (!startable || !(error instanceof ConnectFailure) || !error.nobodyListens) throw error
      this.#starting ??= this.#start(stateDirectory).finally(() => {
        this.#starting = undefined
      })
      await this.#starting
      return action()
    }
  }

  /** Before the first word: what is sent, variables and files, is not for whoever owns the directory. */
  #refuseForeignServer(): void {
    const { stateDirectory } = this.#target
    if (stateDirectory === undefined || this.#isOwn) return
    refuseForeignDirectory(stateDirectory)
    this.#isOwn = true
  }

  #start(stateDirectory: string): Promise<void> {
    this.#options.onServerStart?.()
    return startServer({ stateDirectory, program: this.#options.serverProgram })
  }

  #explain(error: unknown): unknown {
    if (error instanceof ConnectFailure) {
      const hint = connectHint(error.code)
      return new IsolaError('server.unreachable', `connect to ${this.address}: ${error.message}`, {
        ...(hint === undefined ? {} : { hint }),
        cause: error,
      })
    }
    if (error instanceof LostConnection) {
      return new IsolaError('server.unreachable', `lost the connection to ${this.address}: ${error.message}`, {
        cause: error,
      })
    }
    return error
  }
}

function connectHint(code: string | undefined): string | undefined {
  if (code === 'EACCES' || code === 'EPERM') {
    return 'the socket belongs to another user; set ISOLA_STATE_DIR or ISOLA_URL to a server of your own'
  }
  return code === 'ENOTDIR' ? 'set ISOLA_STATE_DIR to a directory of your own' : undefined
}

function isStream(body: HttpRequest['body']): boolean {
  return body !== undefined && !(body instanceof Uint8Array)
}

const sharedClients = new Map<string, Client>()

/**
 * The client for these options, shared by all who connect to the same place, so that connections
 * stay warm from one `Sandbox.create` to the next.
 */
export function sharedClient(options: ConnectionOptions = {}): Client {
  const { address, apiKey, stateDirectory } = resolveTarget(options, process.env)
  const key = JSON.stringify([address, apiKey, stateDirectory])
  let client = sharedClients.get(key)
  if (client === undefined) {
    client = new Client(options)
    sharedClients.set(key, client)
  }
  return client
}
