// SPDX-License-Identifier: Apache-2.0
import type { Network, Resources, SandboxState, Transition } from '@isola/protocol'
import type { SandboxRef } from '../driver/driver.ts'

/** A sandbox as it is kept. The key never leaves the server. */
export interface SandboxRecord {
  readonly id: string
  readonly name: string | null
  readonly state: SandboxState
  readonly desiredState: 'running' | 'destroyed'
  readonly template: string
  readonly driver: string
  readonly isolation: string
  readonly labels: Readonly<Record<string, string>>
  readonly resources: Resources
  readonly env: Readonly<Record<string, string>>
  readonly workdir: string
  readonly ephemeral: boolean
  readonly network: Network
  readonly keyHex: string
  readonly ref: SandboxRef | null
  readonly runId: string | null
  readonly runStartedAt: string | null
  /** Of the protocol that its agent speaks; absent before the first run and in records of earlier servers. */
  readonly agentGeneration?: number
  readonly createdAt: string
  readonly transitions: readonly Transition[]
}

export interface SandboxQuery {
  readonly state?: SandboxState
  readonly name?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly limit: number
  /** Only sandboxes after this one, in the order of creation. */
  readonly after?: string
}

/**
 * Durable state. Synchronous, because the embedded store is; a remote one would stand behind a cache.
 * A name belongs to at most one sandbox that lives (`isLiving`); those that have ended keep theirs
 * beside it, so that they can still be shown and removed.
 */
export interface Store {
  /** @throws sandbox.name_taken */
  insert(record: SandboxRecord): void
  /** @throws sandbox.not_found, sandbox.name_taken */
  update(id: string, change: Partial<Omit<SandboxRecord, 'id'>>): void
  remove(id: string): void
  /** By id, else by name: the one that lives, else the youngest. */
  find(idOrName: string): SandboxRecord | undefined
  list(query: SandboxQuery): readonly SandboxRecord[]
  count(): number
  /** Result of an earlier request with this key, or undefined. Kept for a day. */
  recall(idempotencyKey: string): { readonly fingerprint: string; readonly sandboxId: string } | undefined
  remember(idempotencyKey: string, fingerprint: string, sandboxId: string): void
  close(): void
}
