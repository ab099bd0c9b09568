// SPDX-License-Identifier: Apache-2.0
/** The user wants it to end. */
export class Interrupted extends Error {
  readonly signal: NodeJS.Signals

  constructor(signal: NodeJS.Signals) {
    super(`interrupted by ${signal}`)
    this.signal = signal
  }
}

/**
 * Ctrl-C and its relatives. While `onInterrupt` is set the first Ctrl-C goes there, so that the
 * command inside can end in its own way; the second, or any other signal to end, ends everything.
 */
export class Interrupts implements Disposable {
  onInterrupt: (() => void) | undefined
  readonly #abort = new AbortController()
  readonly #handlers: [NodeJS.Signals, () => void][]

  constructor() {
    this.#handlers = [
      ['SIGINT', () => this.#interrupt()],
      ['SIGTERM', () => this.end('SIGTERM')],
      ['SIGHUP', () => this.end('SIGHUP')],
    ]
    for (const [signal, handler] of this.#handlers) process.on(signal, handler)
  }

  /** Aborted with an `Interrupted` when everything has to end. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  end(signal: NodeJS.Signals): void {
    this.#abort.abort(new Interrupted(signal))
  }

  abort(reason: unknown): void {
    this.#abort.abort(reason)
  }

  [Symbol.dispose](): void {
    for (const [signal, handler] of this.#handlers) process.off(signal, handler)
  }

  #interrupt(): void {
    const forward = this.onInterrupt
    this.onInterrupt = undefined
    if (forward === undefined) this.end('SIGINT')
    else forward()
  }
}
