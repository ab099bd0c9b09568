// SPDX-License-Identifier: Apache-2.0
import type { ProcessExit } from '@isola/protocol'
import { SdkError } from '../sdk-error.ts'
import type { OutputChunk } from './output-queue.ts'
import type { ProcessStream } from './process-stream.ts'

/** How a process ended; each way to end has its own field. */
export interface ProcessEnd {
  /** Null when a signal ended it. */
  readonly exitCode: number | null
  readonly signal: string | null
  readonly timedOut: boolean
  readonly oomKilled: boolean
  readonly outputCapped: boolean
  readonly durationMs: number
  /** Output that was lost with `overflow: 'drop-oldest'`. */
  readonly droppedBytes: number
}

/** The writing end of a process's standard input. */
export interface ProcessInput {
  /** Resolves when the process has room for more. @throws {SdkError} process.ended */
  write(content: Uint8Array | string): Promise<void>
  /** End of file. */
  end(): Promise<void>
}

export interface ProcessIdentity {
  readonly processId: string
  readonly pid: number
  /** It reads what is written to it, not /dev/null. */
  readonly stdin: boolean
  /** The sandbox ends with it. */
  readonly destroysSandbox: boolean
}

const NO_INPUT: ProcessInput = {
  async write() {
    throw new SdkError(
      'argument.invalid',
      'write to a process: it was started without input',
      'start it with `stdin: true`',
    )
  },
  async end() {
    // It reads the end of file already.
  },
}

/** A process that was started by this client. It ends when its connection does. */
export class Process implements AsyncDisposable {
  readonly id: string
  readonly pid: number
  readonly stdin: ProcessInput
  readonly #stream: ProcessStream
  readonly #destroysSandbox: boolean
  #outputTaken = false

  /** Use `sandbox.processes.start`. */
  constructor(stream: ProcessStream, identity: ProcessIdentity) {
    this.id = identity.processId
    this.pid = identity.pid
    this.stdin = identity.stdin ? stream.input : NO_INPUT
    this.#stream = stream
    this.#destroysSandbox = identity.destroysSandbox
    const release = (): void => {
      if (!identity.destroysSandbox) stream.close()
    }
    stream.exit.then(release, release)
  }

  /**
   * Output as it comes, of both streams. The process waits for a slow reader; leaving the loop
   * lets the rest go. There is one reader.
   */
  output(): AsyncIterable<OutputChunk> {
    if (this.#outputTaken) {
      throw new SdkError(
        'output.taken',
        `read the output of process ${this.id}: somebody reads it already`,
        'read it once and share what was read',
      )
    }
    this.#outputTaken = true
    return this.#stream.output
  }

  /** Resolves when it has ended. Output that nobody asked for is let go. */
  async wait(): Promise<ProcessEnd> {
    if (!this.#outputTaken) {
      this.#outputTaken = true
      this.#stream.output.discard()
    }
    const exit = await this.#stream.exit
    if (this.#destroysSandbox) await this.#stream.closed
    return processEnd(exit)
  }

  /** Sends a signal by name, to the whole process group unless told otherwise. */
  async signal(signal: string, options: { target?: 'process' | 'group' } = {}): Promise<void> {
    await this.#stream.signal(signal, options.target ?? 'group')
  }

  /** Tells a process with a terminal the new size of it. */
  async resize(size: { cols: number; rows: number }): Promise<void> {
    await this.#stream.resize(size.cols, size.rows)
  }

  /** Ends the process and its group at once; resolves with how it ended. */
  async kill(): Promise<ProcessEnd> {
    // It may have ended by itself a moment ago, which is as good.
    await this.signal('SIGKILL').catch(() => undefined)
    return this.wait()
  }

  /** Ends the process and the connection, whatever state they are in. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.signal('SIGKILL').catch(() => undefined)
    this.#stream.close()
    await this.#stream.closed
  }
}

export function processEnd(exit: Omit<ProcessExit, 'event' | 'stdoutBytes' | 'stderrBytes'>): ProcessEnd {
  const { exitCode, signal, timedOut, oomKilled, outputCapped, durationMs, droppedBytes } = exit
  return { exitCode, signal, timedOut, oomKilled, outputCapped, durationMs, droppedBytes }
}
