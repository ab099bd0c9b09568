// SPDX-License-Identifier: Apache-2.0
import type { LookedUp } from './dns-question.ts'

const MAX_ENTRIES = 2000
const LONGEST_KEPT_MS = 60_000
const NOTHING_KEPT_MS = 5_000

interface Entry {
  readonly found: LookedUp | 'no-such-name'
  readonly askedAtMs: number
  readonly keptUntilMs: number
}

/** What was found for names, for as long as their TTL allows and a minute at most; the oldest goes first. */
export class DnsCache {
  readonly #entries = new Map<string, Entry>()

  /** With the TTL that is left. */
  get(key: string, nowMs: number): LookedUp | 'no-such-name' | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    if (nowMs >= entry.keptUntilMs) {
      this.#entries.delete(key)
      return undefined
    }
    const { found, askedAtMs } = entry
    if (found === 'no-such-name') return found
    return { addresses: found.addresses, ttlMs: Math.max(0, found.ttlMs - (nowMs - askedAtMs)) }
  }

  put(key: string, found: LookedUp | 'no-such-name', nowMs: number): void {
    const isNothing = found === 'no-such-name' || found.addresses.length === 0
    const keptMs = isNothing ? NOTHING_KEPT_MS : Math.min(found.ttlMs, LONGEST_KEPT_MS)
    this.#entries.delete(key)
    if (keptMs > 0) this.#entries.set(key, { found, askedAtMs: nowMs, keptUntilMs: nowMs + keptMs })
    const [oldest] = this.#entries.keys()
    if (this.#entries.size > MAX_ENTRIES && oldest !== undefined) this.#entries.delete(oldest)
  }
}
