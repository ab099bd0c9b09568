// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto'
import type { Sandbox as SandboxInfo } from '@isola/protocol'
import { IsolaError } from '@isola/protocol/wire'
import type { ConnectionOptions } from '../connection/address.ts'
import { type Client, sharedClient } from '../connection/client.ts'
import { Files } from '../files/files.ts'
import { SandboxNetwork } from '../network/sandbox-network.ts'
import type { Command } from '../process/command.ts'
import type { CommandResult } from '../process/command-result.ts'
import { Processes } from '../process/processes.ts'
import { type RunOptions, runCommand } from '../process/run-command.ts'
import { type CreateOptions, createRequest } from './create-options.ts'
import { type ListOptions, listSandboxes } from './list-sandboxes.ts'

/** Where a sandbox lives: a client, or what is needed to find one. */
export type Where = ConnectionOptions | { readonly client: Client }

/** An isolated computer. Destroyed at the end of an `await using` block, or by `destroy`. */
export class Sandbox implements AsyncDisposable {
  readonly id: string
  /** As it was when this object was made; see `refresh`. */
  readonly info: SandboxInfo
  readonly files: Files
  readonly processes: Processes
  readonly network: SandboxNetwork
  readonly #client: Client

  private constructor(client: Client, info: SandboxInfo) {
    this.#client = client
    this.id = info.id
    this.info = info
    this.files = new Files(client, info.id)
    this.processes = new Processes(client, info.id)
    this.network = new SandboxNetwork(client, info.id)
  }

  /** Creates a sandbox and resolves when it runs. Without a server, the local one is started. */
  static async create(options: CreateOptions & Where = {}): Promise<Sandbox> {
    const client = clientFor(options)
    const info = await client.requestJson<SandboxInfo>({
      method: 'POST',
      path: '/v1/sandboxes',
      json: createRequest(options),
      headers: { 'idempotency-key': options.idempotencyKey ?? randomUUID() },
      repeatable: true,
      signal: options.signal,
    })
    return new Sandbox(client, info)
  }

  /** An existing sandbox, by id or name. @throws {IsolaError} sandbox.not_found */
  static async connect(
    idOrName: string,
    where: Where & { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<Sandbox> {
    const client = clientFor(where)
    return new Sandbox(client, await fetchInfo(client, idOrName, where.signal))
  }

  /** Sandboxes, oldest first; failed ones too, until they are destroyed. */
  static list(options: ListOptions & Where = {}): AsyncGenerator<SandboxInfo> {
    return listSandboxes(clientFor(options), options)
  }

  get name(): string | null {
    return this.info.name
  }

  /** Runs a shell line (`'ls | wc -l'`) or a program (`['node', 'app.js']`) to its end. */
  run(command: Command, options: RunOptions = {}): Promise<CommandResult> {
    return runCommand(this.#client, this.id, this.processes, command, options)
  }

  /** The sandbox as it is now. */
  refresh(signal?: AbortSignal): Promise<SandboxInfo> {
    return fetchInfo(this.#client, this.id, signal)
  }

  /** Ends every process in it and removes all that it holds. */
  async destroy(): Promise<void> {
    const response = await this.#client.request({
      method: 'DELETE',
      path: `/v1/sandboxes/${encodeURIComponent(this.id)}`,
    })
    await response.bytes()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.destroy()
    } catch (error) {
      if (!isGone(error)) throw error
    }
  }
}

function clientFor(where: Where): Client {
  return 'client' in where ? where.client : sharedClient(where)
}

function fetchInfo(client: Client, idOrName: string, signal: AbortSignal | undefined): Promise<SandboxInfo> {
  return client.requestJson<SandboxInfo>({
    method: 'GET',
    path: `/v1/sandboxes/${encodeURIComponent(idOrName)}`,
    signal,
  })
}

function isGone(error: unknown): boolean {
  return IsolaError.is(error) && error.code === 'sandbox.not_found'
}
