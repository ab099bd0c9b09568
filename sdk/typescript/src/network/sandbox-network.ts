// SPDX-License-Identifier: Apache-2.0
import type { NetworkExplanation, NetworkLogEntry, Sandbox as SandboxInfo } from '@isola/protocol'
import { IsolaError } from '@isola/protocol/wire'
import type { Client } from '../connection/client.ts'
import { textLines } from '../connection/text-lines.ts'
import { type NetworkOption, networkOf } from './parse-network.ts'

export interface LogOptions {
  /** Only entries with a higher `sequence`. */
  readonly after?: number | undefined
  /** Goes on with what comes, until the sandbox is gone or the iteration is left. */
  readonly follow?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

/** What may leave a sandbox, and what tried to. */
export class SandboxNetwork {
  readonly #client: Client
  readonly #path: string

  constructor(client: Client, sandboxId: string) {
    this.#client = client
    this.#path = `/v1/sandboxes/${encodeURIComponent(sandboxId)}/network`
  }

  /** Holds when this resolves. Open connections that the new policy does not allow are reset. */
  set(network: NetworkOption, signal?: AbortSignal): Promise<SandboxInfo> {
    return this.#client.requestJson<SandboxInfo>({
      method: 'PUT',
      path: this.#path,
      json: { network: networkOf(network) },
      signal,
    })
  }

  /** Which rule decides about a URL (`https://…`, `tcp://host:port`, `host:port`), and why. */
  explain(url: string, signal?: AbortSignal): Promise<NetworkExplanation> {
    return this.#client.requestJson<NetworkExplanation>({
      method: 'GET',
      path: `${this.#path}/explain`,
      query: { url },
      signal,
    })
  }

  /** What was let through and what was not, oldest first. */
  async *log({ after, follow, signal }: LogOptions = {}): AsyncGenerator<NetworkLogEntry, void, undefined> {
    const response = await this.#client.request({
      method: 'GET',
      path: `${this.#path}/log`,
      query: { after, follow },
      signal,
    })
    for await (const line of textLines(response.stream())) {
      const entry = JSON.parse(line) as NetworkLogEntry | { error: { code: string; message: string } }
      if ('error' in entry) throw IsolaError.fromWire(entry.error)
      yield entry
    }
  }
}
