// SPDX-License-Identifier: Apache-2.0
import { Interrupted } from '../session/interrupts.ts'

/** The reader of standard output has gone, as `head -1` does. */
export class OutputClosed extends Error {}

/** Where a command writes to. Writes wait for a slow reader; a reader that went away is an error once. */
export class Output {
  readonly #stream: NodeJS.WriteStream
  readonly #onBroken: ((error: Error) => void)[] = []
  #broken: Error | undefined

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream
    stream.on('error', (error: NodeJS.ErrnoException) => {
      this.#broken ??= this.#meaningOf(error)
      for (const listener of this.#onBroken) listener(this.#broken)
    })
  }

  get isTerminal(): boolean {
    return this.#stream.isTTY === true
  }

  /** A terminal that was never told its size, as on a serial line, says 0. */
  get columns(): number {
    return this.#stream.columns || 80
  }

  get rows(): number {
    return this.#stream.rows || 24
  }

  get colors(): boolean {
    return this.isTerminal && !process.env['NO_COLOR'] && process.env['TERM'] !== 'dumb'
  }

  onBroken(listener: (error: Error) => void): void {
    this.#onBroken.push(listener)
  }

  onResize(listener: () => void): () => void {
    this.#stream.on('resize', listener)
    return () => void this.#stream.off('resize', listener)
  }

  async write(content: string | Uint8Array): Promise<void> {
    if (this.#broken !== undefined) throw this.#broken
    if (!this.#stream.write(content)) await this.#drained()
  }

  /** Resolves when all has been handed over. @throws {OutputClosed} */
  async flush(): Promise<void> {
    if (this.#broken === undefined) await new Promise<void>((resolve) => this.#stream.write('', () => resolve()))
    if (this.#broken !== undefined) throw this.#broken
  }

  #meaningOf(error: NodeJS.ErrnoException): Error {
    if (error.code === 'EPIPE' || error.code === 'ECONNRESET') return new OutputClosed()
    // A terminal that is gone says so here, too, and not always after its signal.
    return error.code === 'EIO' && this.isTerminal ? new Interrupted('SIGHUP') : error
  }

  async #drained(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const wake = (): void => resolve()
    this.#stream.once('drain', wake)
    this.#onBroken.push(wake)
    await promise
    this.#onBroken.splice(this.#onBroken.indexOf(wake), 1)
    if (this.#broken !== undefined) throw this.#broken
  }
}

/** The three streams of this program. */
export interface Terminal {
  readonly stdin: NodeJS.ReadStream
  readonly stdout: Output
  readonly stderr: Output
}

export function openTerminal(): Terminal {
  return { stdin: process.stdin, stdout: new Output(process.stdout), stderr: new Output(process.stderr) }
}
