// SPDX-License-Identifier: Apache-2.0
import { type CreateSandboxParsed, IsolaError } from '@isola/protocol'
import { toHex } from '../agent-link/hex.ts'
import type { Random } from '../ports/random.ts'
import type { SandboxRecord, Store } from '../ports/store.ts'

const FINGERPRINT_KEY = new TextEncoder().encode('isola create request')

/** Recognises a create request that was sent before, also while the first one is still under way. */
export class Idempotency {
  readonly #store: Store
  readonly #random: Random
  readonly #underWay = new Map<string, { fingerprint: string; result: Promise<SandboxRecord> }>()

  constructor(store: Store, random: Random) {
    this.#store = store
    this.#random = random
  }

  /**
   * Runs `create` unless its sandbox exists already. `create` is given a function that ties a
   * sandbox to the key; it is called before the sandbox exists, so that a crash in between cannot
   * make two of one request.
   * @throws request.idempotency_mismatch
   */
  async once(
    key: string | undefined,
    request: CreateSandboxParsed,
    create: (remember: (sandboxId: string) => void) => Promise<SandboxRecord>,
  ): Promise<SandboxRecord> {
    if (key === undefined) return create(() => {})
    const fingerprint = this.#fingerprint(request)
    const earlier = this.#underWay.get(key)
    if (earlier !== undefined) {
      requireSame(key, earlier.fingerprint, fingerprint)
      return earlier.result
    }
    const finished = this.#recall(key, fingerprint)
    if (finished !== undefined) return finished
    const result = create((id) => this.#store.remember(key, fingerprint, id))
    this.#underWay.set(key, { fingerprint, result })
    try {
      return await result
    } finally {
      this.#underWay.delete(key)
    }
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
