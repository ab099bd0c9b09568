// SPDX-License-Identifier: Apache-2.0
import { IsolaError } from '@isola/protocol'

export interface OperationOptions {
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

/**
 * What every server-side operation carries: a deadline, a way to be cancelled and a log.
 * A timeout error carries the log, so that it tells what the operation was waiting for.
 */
export class Operation {
  readonly name: string
  readonly signal: AbortSignal
  readonly #log: string[] = []
  readonly #startedAtMs = performance.now()

  constructor(name: string, options: OperationOptions = {}) {
    this.name = name
    const signals: AbortSignal[] = []
    if (options.signal !== undefined) signals.push(options.signal)
    if (options.timeoutMs !== undefined) signals.push(AbortSignal.timeout(options.timeoutMs))
    this.signal = signals.length === 1 ? (signals[0] as AbortSignal) : AbortSignal.any(signals)
  }

  log(message: string): void {
    this.#log.push(`${(performance.now() - this.#startedAtMs).toFixed(1)} ms ${message}`)
  }

  /** Throws when the operation was cancelled or ran out of time. */
  check(): void {
    if (this.signal.aborted) throw this.#endedError()
  }

  /** `work`, or the operation's end, whichever comes first. `work` keeps running and must clean up after itself. */
  async race<T>(work: Promise<T>): Promise<T> {
    if (this.signal.aborted) {
      // Nobody waits for it any more; how it fails must not count as unhandled.
      work.catch(() => {})
      throw this.#endedError()
    }
    let onAbort: (() => void) | undefined
    const ended = new Promise<never>((_, reject) => {
      onAbort = () => reject(this.#endedError())
      this.signal.addEventListener('abort', onAbort, { once: true })
    })
    try {
      return await Promise.race([work, ended])
    } finally {
      if (onAbort !== undefined) this.signal.removeEventListener('abort', onAbort)
    }
  }

  #endedError(): IsolaError {
    const timedOut = (this.signal.reason as { name?: string } | undefined)?.name === 'TimeoutError'
    return new IsolaError(
      timedOut ? 'request.timed_out' : 'request.cancelled',
      `${this.name} ${timedOut ? 'timed out' : 'was cancelled'}`,
      { context: { log: this.#log } },
    )
  }
}
