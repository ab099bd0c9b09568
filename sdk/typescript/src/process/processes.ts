// SPDX-License-Identifier: Apache-2.0
import type { ProcessInfo, StartProcess } from '@isola/protocol'
import type { Client } from '../connection/client.ts'
import { type Command, commandFields } from './command.ts'
import { Process } from './process.ts'
import { ProcessStream } from './process-stream.ts'

export interface ProcessOptions {
  /** Default: the working directory of the sandbox. */
  readonly cwd?: string | undefined
  /** Over the environment of the sandbox. */
  readonly env?: Readonly<Record<string, string>> | undefined
  /** `user` (default), `root`, a name, or `uid:gid`. */
  readonly user?: string | undefined
  readonly timeoutMs?: number | undefined
  /** Between SIGTERM and SIGKILL when the time is over. */
  readonly killGraceMs?: number | undefined
  /** The process is ended when it has written more than this. */
  readonly outputLimitBytes?: number | undefined
  /** Ends the process when it is aborted. */
  readonly signal?: AbortSignal | undefined
}

export interface StartOptions extends ProcessOptions {
  /** Chosen by the caller; must be unique within the sandbox. */
  readonly processId?: string | undefined
  /** Gives it a terminal, which has one output stream. */
  readonly tty?: { readonly cols: number; readonly rows: number } | undefined
  /** False (default): the process reads /dev/null. */
  readonly stdin?: boolean | undefined
  /** What happens to output that is not read in time; default `block`: the process waits. */
  readonly overflow?: 'block' | 'drop-oldest' | undefined
  /** Destroys the sandbox when this process or the connection ends. */
  readonly destroySandbox?: boolean | undefined
}

/** The processes of a sandbox. */
export class Processes {
  readonly #client: Client
  readonly #sandbox: string

  /** Use `sandbox.processes`. */
  constructor(client: Client, sandbox: string) {
    this.#client = client
    this.#sandbox = sandbox
  }

  /** Starts a program (`['node', 'app.js']`) or a shell line (`'ls | wc -l'`) and stays connected to it. */
  async start(command: Command, options: StartOptions = {}): Promise<Process> {
    const { signal, ...fields } = options
    const start = { ...commandFields(command), ...defined(fields) } as StartProcess
    const { stream, processId, pid } = await ProcessStream.open(this.#client, this.#sandbox, start, signal)
    const identity = { processId, pid, stdin: options.stdin === true, destroysSandbox: options.destroySandbox === true }
    return new Process(stream, identity)
  }

  /** Those that were started through Isola and live. */
  async list(): Promise<ProcessInfo[]> {
    const path = `/v1/sandboxes/${encodeURIComponent(this.#sandbox)}/processes`
    const { processes } = await this.#client.requestJson<{ processes: ProcessInfo[] }>({ method: 'GET', path })
    return processes
  }

  /** Sends a signal to any process, by the id that it was started with. */
  async signal(processId: string, signal: string, options: { target?: 'process' | 'group' } = {}): Promise<void> {
    const path = `/v1/sandboxes/${encodeURIComponent(this.#sandbox)}/processes/${encodeURIComponent(processId)}/signal`
    const response = await this.#client.request({ method: 'POST', path, json: { signal, ...options } })
    await response.bytes()
  }
}

/** Without the fields that are undefined: JSON has none, and the server refuses what it does not know. */
export function defined<Fields extends object>(fields: Fields): Partial<Fields> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<Fields>
}
