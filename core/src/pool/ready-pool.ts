// SPDX-License-Identifier: Apache-2.0
import { Operation } from '../operation/operation.ts'
import type { Clock } from '../ports/clock.ts'
import type { Journal } from '../ports/journal.ts'
import type { Blank } from './blank.ts'

/** Quiet time before a blank is made: attaching processes to cgroups disturbs whoever creates or runs just then. */
const QUIET_MS = 20
/** Under constant load a blank is made at least this often. */
const LONGEST_WAIT_MS = 1000
const FIRST_RETRY_MS = 1000
const LONGEST_RETRY_MS = 60_000
const MAKE_TIMEOUT_MS = 120_000

export interface PoolDeps {
  readonly size: number
  readonly clock: Clock
  readonly journal: Journal
  make(operation: Operation): Promise<Blank>
  discard(blank: Blank): Promise<void>
}

/** Blanks that wait to become sandboxes, refilled one at a time in the background. */
export class ReadyPool {
  readonly #deps: PoolDeps
  readonly #ready: Blank[] = []
  #making: Promise<void> | undefined
  readonly #discarding = new Set<Promise<void>>()
  #cancelTimer: (() => void) | undefined
  #waitingSinceMs: number | undefined
  #retryMs = FIRST_RETRY_MS
  #isOpen = false
  readonly #closing = new AbortController()

  constructor(deps: PoolDeps) {
    this.#deps = deps
  }

  get readyCount(): number {
    return this.#ready.length
  }

  /** Begins to fill the pool. */
  start(): void {
    this.#isOpen = this.#deps.size > 0
    this.#makeNext()
  }

  /**
   * A blank of this driver and template whose agent is still there, or none. What the template was
   * before, with files that are to be hidden now, is thrown away.
   */
  take(driver: string, template: string, fingerprint: string): Blank | undefined {
    for (;;) {
      const index = this.#ready.findIndex((blank) => blank.driver === driver && blank.template === template)
      const blank = this.#ready[index]
      if (blank === undefined) return undefined
      this.#ready.splice(index, 1)
      this.noteActivity()
      if (blank.link.frames.closedWith === undefined && blank.fingerprint === fingerprint) return blank
      this.#discard(blank)
    }
  }

  /** A blank that was taken and is not needed after all. */
  putBack(blank: Blank): void {
    if (this.#isOpen && blank.link.frames.closedWith === undefined) this.#ready.push(blank)
    else this.#discard(blank)
  }

  /** Puts off the next refill, within reason. */
  noteActivity(): void {
    if (!this.#isOpen || this.#making !== undefined || this.#ready.length >= this.#deps.size) return
    if (this.#cancelTimer !== undefined && this.#retryMs > FIRST_RETRY_MS) return
    const nowMs = this.#deps.clock.nowMs()
    this.#waitingSinceMs ??= nowMs
    if (this.#cancelTimer !== undefined && nowMs - this.#waitingSinceMs > LONGEST_WAIT_MS) return
    this.#makeAfter(QUIET_MS)
  }

  /** True when the sandbox was one of the blanks; it is removed. */
  drop(id: string): boolean {
    const index = this.#ready.findIndex((blank) => blank.id === id)
    if (index === -1) return false
    for (const blank of this.#ready.splice(index, 1)) this.#discard(blank)
    this.noteActivity()
    return true
  }

  async close(): Promise<void> {
    this.#isOpen = false
    this.#closing.abort()
    this.#cancelTimer?.()
    await this.#making
    for (const blank of this.#ready.splice(0)) this.#discard(blank)
    await Promise.all(this.#discarding)
  }

  #makeAfter(delayMs: number): void {
    this.#cancelTimer?.()
    this.#cancelTimer = this.#deps.clock.after(delayMs, () => {
      this.#cancelTimer = undefined
      this.#makeNext()
    })
  }

  #makeNext(): void {
    if (!this.#isOpen || this.#making !== undefined || this.#ready.length >= this.#deps.size) return
    this.#waitingSinceMs = undefined
    this.#making = this.#make().then((made) => {
      this.#making = undefined
      if (!this.#isOpen || this.#ready.length >= this.#deps.size) return
      this.#makeAfter(made ? QUIET_MS : this.#nextRetryMs())
    })
  }

  async #make(): Promise<boolean> {
    try {
      const options = { timeoutMs: MAKE_TIMEOUT_MS, signal: this.#closing.signal }
      const blank = await this.#deps.make(new Operation('make a blank', options))
      this.#retryMs = FIRST_RETRY_MS
      blank.link.frames.onClose(() => this.drop(blank.id))
      this.putBack(blank)
      return true
    } catch (error) {
      if (!this.#closing.signal.aborted)
        this.#deps.journal.warn('could not make a blank', { error, retryMs: this.#retryMs })
      return false
    }
  }

  #nextRetryMs(): number {
    const delayMs = this.#retryMs
    this.#retryMs = Math.min(2 * delayMs, LONGEST_RETRY_MS)
    return delayMs
  }

  #discard(blank: Blank): void {
    const done = this.#deps
      .discard(blank)
      .catch((error: unknown) => this.#deps.journal.warn('could not remove a blank', { id: blank.id, error }))
      .finally(() => this.#discarding.delete(done))
    this.#discarding.add(done)
  }
}
