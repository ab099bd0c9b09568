// SPDX-License-Identifier: Apache-2.0
import type { Sandbox as SandboxInfo, SandboxPage, SandboxState } from '@isola/protocol'
import type { Client } from '../connection/client.ts'

export interface ListOptions {
  readonly state?: SandboxState | undefined
  readonly name?: string | undefined
  /** All of them must match. */
  readonly labels?: Readonly<Record<string, string>> | undefined
  readonly signal?: AbortSignal | undefined
}

const PAGE_SIZE = 200

/** Page by page, as far as the caller reads. */
export async function* listSandboxes(client: Client, options: ListOptions): AsyncGenerator<SandboxInfo> {
  const { state, name, signal } = options
  const label = Object.entries(options.labels ?? {}).map(([key, value]) => `${key}=${value}`)
  let cursor: string | undefined
  do {
    const query = { state, name, label, limit: PAGE_SIZE, cursor }
    const page = await client.requestJson<SandboxPage>({ method: 'GET', path: '/v1/sandboxes', query, signal })
    yield* page.items
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined)
}
