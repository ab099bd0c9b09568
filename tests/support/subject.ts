// SPDX-License-Identifier: Apache-2.0
import { type Process, Sandbox, type StartOptions } from '@isola/sdk'

export type CreateOptions = NonNullable<Parameters<typeof Sandbox.create>[0]>

export interface Outcome {
  readonly exitCode: number | null
  readonly signal: string | null
  readonly timedOut: boolean
  readonly oomKilled: boolean
  readonly outputCapped: boolean
  readonly stdout: string
  readonly stderr: string
  readonly stdoutBytes: Buffer
}

export interface RunOptions extends StartOptions {
  /** Written to the process; then end of file. */
  readonly input?: string | Uint8Array
}

/** A sandbox under test. */
export class Subject implements AsyncDisposable {
  readonly sandbox: Sandbox

  private constructor(sandbox: Sandbox) {
    this.sandbox = sandbox
  }

  static async create(connection: { url: string }, options: CreateOptions): Promise<Subject> {
    return new Subject(await Sandbox.create({ ...connection, ...options }))
  }

  get id(): string {
    return this.sandbox.id
  }

  get files(): Sandbox['files'] {
    return this.sandbox.files
  }

  start(command: string | readonly string[], options: StartOptions = {}): Promise<Process> {
    return this.sandbox.processes.start(command, options)
  }

  /** Runs to the end; output exact to the byte. */
  async run(command: string | readonly string[], options: RunOptions = {}): Promise<Outcome> {
    const { input, ...start } = options
    const running = await this.start(command, { ...start, stdin: input !== undefined })
    const writing = input === undefined ? undefined : write(running, input)
    const chunks = { stdout: [] as Uint8Array[], stderr: [] as Uint8Array[] }
    for await (const { stream, bytes } of running.output()) chunks[stream].push(Buffer.from(bytes))
    const end = await running.wait()
    await writing
    const stdoutBytes = Buffer.concat(chunks.stdout)
    return { ...end, stdoutBytes, stdout: stdoutBytes.toString(), stderr: Buffer.concat(chunks.stderr).toString() }
  }

  /** What a command prints when it succeeds, without the last line end. */
  async read(command: string | readonly string[], options: RunOptions = {}): Promise<string> {
    const result = await this.run(command, options)
    if (result.exitCode !== 0) {
      throw new Error(
        `${String(command)}: ${result.signal ?? `exit ${result.exitCode}`}: ${result.stderr}${result.stdout}`,
      )
    }
    return result.stdout.replace(/\n$/, '')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sandbox[Symbol.asyncDispose]()
  }
}

/** A process that ends before it has read everything is not a failure of the writer. */
async function write(running: Process, input: string | Uint8Array): Promise<void> {
  try {
    await running.stdin.write(input)
    await running.stdin.end()
  } catch (error) {
    if ((error as { code?: string }).code !== 'process.ended') throw error
  }
}
