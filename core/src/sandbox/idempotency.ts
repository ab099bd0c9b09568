// SPDX-License-Identifier: Apache-2.0
import { type CreateSandboxParsed, IsolaError } from '@isola/protocol'
import { toHex } from '../agent-link/hex.ts'
import type { Operation } from '../operation/operation.ts'
import type { Random } from '../ports/random.ts'
import type { SandboxRecord, Store } from '../ports/store.ts'
import { SharedCreate } from './shared-create.ts'

const FINGERPRINT_KEY = new TextEncoder().encode('isola create request')

/** Recognises a create request that was sent before, also while the first one is still under way. */
export class Idempotency {
  readonly #store: Store
  readonly #random: Random
  readonly #isUnwanted: (sandboxId: string) => boolean
  readonly #underWay = new Map<string, SharedCreate>()

  /** `isUnwanted` tells of a sandbox that is removed while it is being made. */
  constructor(store: Store, random: Random, isUnwanted: (sandboxId: string) => boolean) {
    this.#store = store
    this.#random = random
    this.#isUnwanted = isUnwanted
  }

  /**
   * Runs `create` unless its sandbox exists already. `create` is given a function that ties a
   * sandbox to the key; it is called before the sandbox exists, so that a crash in between cannot
   * make two of one request. A client that lost its connection and asks again does not share the
   * fate of its first request: it keeps the create alive, or begins anew once that has cleaned up.
   * @throws request.idempotency_mismatch
   */
  async once(
    key: string | undefined,
    request: CreateSandboxParsed,
    operation: Operation,
    create: (operation: Operation, remember: (sandboxId: string) => void) => Promise<SandboxRecord>,
  ): Promise<SandboxRecord> {
    if (key === undefined) return create(operation, () => {})
    const fingerprint = this.#fingerprint(request)
    for (;;) {
      const earlier = this.#underWay.get(key)
      if (earlier !== undefined) requireSame(key, earlier.fingerprint, fingerprint)
      if (earlier !== undefined && this.#isGivenUp(earlier)) {
        await operation.race(earlier.settled())
        continue
      }
      const finished = earlier === undefined ? this.#recall(key, fingerprint) : undefined
      if (finished !== undefined) return finished
      const shared = earlier ?? new SharedCreate(operation.name, fingerprint)
      return shared.join(operation, (own) => this.#run(key, shared, own, create))
    }
  }

  async #run(
    key: string,
    shared: SharedCreate,
    operation: Operation,
    create: (operation: Operation, remember: (sandboxId: string) => void) => Promise<SandboxRecord>,
  ): Promise<SandboxRecord> {
    this.#underWay.set(key, shared)
    try {
      return await create(operation, (id) => {
        shared.sandboxId = id
        this.#store.remember(key, shared.fingerprint, id)
      })
    } finally {
      this.#underWay.delete(key)
    }
  }

  #isGivenUp({ isAbandoned, sandboxId }: SharedCreate): boolean {
    return isAbandoned || (sandboxId !== undefined && this.#isUnwanted(sandboxId))
  }

  /** A sandbox that failed or is gone does not answer for a new request. */
  #recall(key: string, fingerprint: string): SandboxRecord | undefined {
    const entry = this.#store.recall(key)
    if (entry === undefined) return undefined
    requireSame(key, entry.fingerprint, fingerprint)
    const record = this.#store.find(entry.sandboxId)
    return record?.state === 'running' ? record : undefined
  }

  #fingerprint(request: CreateSandboxParsed): string {
    const canonical = JSON.stringify(request, (_, value: unknown) =>
      isPlainObject(value) ? sortedByKey(value) : value,
    )
    return toHex(this.#random.hmacSha256(FINGERPRINT_KEY, new TextEncoder().encode(canonical)))
  }
}

function requireSame(key: string, before: string, now: string): void {
  if (before === now) return
  throw new IsolaError(
    'request.idempotency_mismatch',
    `idempotency key ${JSON.stringify(key)} was used for another request`,
  )
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function sortedByKey(value: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1)))
}
