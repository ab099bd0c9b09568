// SPDX-License-Identifier: Apache-2.0
import type { Process } from '@isola/sdk'

/** The user wants it to end. */
export class Interrupted extends Error {
  readonly signal: NodeJS.Signals

  constructor(signal: NodeJS.Signals) {
    super(`interrupted by ${signal}`)
    this.signal = signal
  }
}

const HANDLED = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const
/** Meant for one process: others in its group would be ended by a signal that they do not know. */
const OF_ONE_PROCESS: ReadonlySet<NodeJS.Signals> = new Set(['SIGUSR1', 'SIGUSR2'])
/** Sent again, they mean that it is to end now. */
const INSISTING: ReadonlySet<NodeJS.Signals> = new Set(['SIGINT', 'SIGTERM'])
/** Whoever sends them waits for the end. After the others a command may well go on. */
const FINAL: ReadonlySet<NodeJS.Signals> = new Set(['SIGTERM', 'SIGHUP'])

/** `timeout` and the like signal the program and then its group, which is one request and not two. */
const ECHO_MS = 50
const INSISTING_WITHIN_MS = 5000
const GRACE_MS = 10_000

/**
 * Ctrl-C and its relatives. Before `forwardTo` any of them ends everything; after it they go to the
 * command inside, so that it ends in its own way. The second one in a row, a command that does not
 * end after it was told to, and the end of our terminal still end everything.
 */
export class Interrupts implements Disposable {
  readonly #abort = new AbortController()
  readonly #handlers = HANDLED.map((signal) => [signal, () => this.#handle(signal)] as const)
  readonly #seenAtMs = new Map<NodeJS.Signals, number>()
  #inside: Process | undefined
  #grace: NodeJS.Timeout | undefined

  constructor() {
    for (const [signal, handler] of this.#handlers) process.on(signal, handler)
  }

  /** Aborted with an `Interrupted` when everything has to end. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** From now on signals are for this process. */
  forwardTo(inside: Process): void {
    this.#inside = inside
  }

  abort(reason: unknown): void {
    this.#abort.abort(reason)
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#grace)
    for (const [signal, handler] of this.#handlers) process.off(signal, handler)
  }

  #handle(signal: NodeJS.Signals): void {
    const now = performance.now()
    const sinceLastMs = now - (this.#seenAtMs.get(signal) ?? -Infinity)
    if (sinceLastMs < ECHO_MS) return
    this.#seenAtMs.set(signal, now)
    const insists = INSISTING.has(signal) && sinceLastMs < INSISTING_WITHIN_MS
    if (this.#inside === undefined || insists || this.#isHangup(signal)) return this.#end(signal)
    const target = OF_ONE_PROCESS.has(signal) ? 'process' : 'group'
    // It may have ended a moment ago, which its end tells.
    this.#inside.signal(signal, { target }).catch(() => undefined)
    if (FINAL.has(signal)) this.#grace ??= setTimeout(() => this.#end(signal), GRACE_MS)
  }

  /** With a terminal it says that nobody is there any more, neither to look nor to type. */
  #isHangup(signal: NodeJS.Signals): boolean {
    return signal === 'SIGHUP' && (process.stdin.isTTY || process.stdout.isTTY)
  }

  #end(signal: NodeJS.Signals): void {
    this.#abort.abort(new Interrupted(signal))
  }
}
