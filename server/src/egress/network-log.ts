// SPDX-License-Identifier: Apache-2.0
import type { NetworkLogEntry } from '@isola/protocol'

/** Entries kept of one sandbox; the oldest go first, and their place in the sequence shows it. */
const MOST_ENTRIES = 1000
const MOST_TEXT = 256

type NewEntry = Omit<NetworkLogEntry, 'sequence' | 'at' | 'sandboxId' | 'host'> & { readonly host: string | null }

/** What is kept of one sandbox, and who waits for more. */
class Feed {
  readonly entries: NetworkLogEntry[] = []
  readonly #waiting = new Set<() => void>()
  isOver = false

  wake(): void {
    for (const resolve of this.#waiting) resolve()
    this.#waiting.clear()
  }

  change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const settle = (): void => {
        this.#waiting.delete(settle)
        signal.removeEventListener('abort', settle)
        resolve()
      }
      this.#waiting.add(settle)
      signal.addEventListener('abort', settle, { once: true })
    })
  }
}

/** What was allowed and what was not, per sandbox, while this server lives. */
export class NetworkLog {
  readonly #nowMs: () => number
  readonly #feeds = new Map<string, Feed>()
  #sequence = 0

  constructor(nowMs: () => number = Date.now) {
    this.#nowMs = nowMs
  }

  add(sandboxId: string, entry: NewEntry): void {
    const feed = this.#feed(sandboxId)
    this.#sequence += 1
    const host = entry.host === null ? null : printable(entry.host)
    const at = new Date(this.#nowMs()).toISOString()
    feed.entries.push({ ...entry, host, reason: printable(entry.reason), sequence: this.#sequence, at, sandboxId })
    if (feed.entries.length > MOST_ENTRIES) feed.entries.shift()
    feed.wake()
  }

  /** Those after `sequence`, oldest first. */
  read(sandboxId: string, after = 0): readonly NetworkLogEntry[] {
    return (this.#feeds.get(sandboxId)?.entries ?? []).filter((entry) => entry.sequence > after)
  }

  /** What is there and what comes, until `signal` says so or the sandbox is gone. */
  async *follow(
    sandboxId: string,
    after: number,
    signal: AbortSignal,
  ): AsyncGenerator<NetworkLogEntry, void, undefined> {
    const feed = this.#feed(sandboxId)
    let seen = after
    while (!signal.aborted) {
      const entries = feed.entries.filter((entry) => entry.sequence > seen)
      for (const entry of entries) {
        seen = entry.sequence
        yield entry
      }
      if (entries.length > 0) continue
      if (feed.isOver) return
      await feed.change(signal)
    }
  }

  forget(sandboxId: string): void {
    const feed = this.#feeds.get(sandboxId)
    if (feed === undefined) return
    this.#feeds.delete(sandboxId)
    feed.isOver = true
    feed.wake()
  }

  #feed(sandboxId: string): Feed {
    const known = this.#feeds.get(sandboxId)
    if (known !== undefined) return known
    const feed = new Feed()
    this.#feeds.set(sandboxId, feed)
    return feed
  }
}

/** Names come from inside and reach terminals. */
function printable(text: string): string {
  return text.slice(0, MOST_TEXT).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
}
