// SPDX-License-Identifier: Apache-2.0
import type { LiveProcess } from '@isola/core'
import type { IsolaError, ProcessExit } from '@isola/protocol'
import { PushSource } from './push-source.ts'

const EXIT: ProcessExit = {
  event: 'exited',
  exitCode: 0,
  signal: null,
  timedOut: false,
  oomKilled: false,
  outputCapped: false,
  durationMs: 1,
  stdoutBytes: 0,
  stderrBytes: 0,
  droppedBytes: 0,
}

/** A process that does what the test says. */
export class FakeProcess implements LiveProcess {
  readonly processId: string
  readonly pid = 42
  readonly stdout = new PushSource()
  readonly stderr = new PushSource()
  readonly stdin: Uint8Array[] = []
  readonly exit: Promise<ProcessExit>
  stdinEnded = false
  kills = 0
  /** While set, the process takes no input. */
  stdinGate: Promise<void> | undefined
  readonly #exit = Promise.withResolvers<ProcessExit>()
  readonly #killed = Promise.withResolvers<void>()

  constructor(processId = 'p1') {
    this.processId = processId
    this.exit = this.#exit.promise
    this.exit.catch(() => {})
  }

  get killed(): Promise<void> {
    return this.#killed.promise
  }

  get input(): string {
    return Buffer.concat(this.stdin).toString()
  }

  async writeStdin(chunk: Uint8Array): Promise<void> {
    await this.stdinGate
    this.stdin.push(Uint8Array.from(chunk))
  }

  endStdin(): void {
    this.stdinEnded = true
  }

  kill(): void {
    this.kills += 1
    this.end({ exitCode: null, signal: 'SIGKILL' })
    this.#killed.resolve()
  }

  end(exit: Partial<ProcessExit> = {}): void {
    this.stdout.end()
    this.stderr.end()
    this.#exit.resolve({ ...EXIT, ...exit })
  }

  /** The sandbox is gone. */
  break(error: IsolaError): void {
    this.stdout.end(error)
    this.stderr.end(error)
    this.#exit.reject(error)
  }
}
