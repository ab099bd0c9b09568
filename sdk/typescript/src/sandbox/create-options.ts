// SPDX-License-Identifier: Apache-2.0
import type { CreateSandbox } from '@isola/protocol'
import { type NetworkOption, networkOf } from '../network/parse-network.ts'
import { defined } from '../process/processes.ts'

export interface CreateOptions {
  /** What is inside; default `host`: this machine's own programs, read-only. */
  readonly template?: string | undefined
  /** Unique among living sandboxes. */
  readonly name?: string | undefined
  readonly labels?: Readonly<Record<string, string>> | undefined
  readonly env?: Readonly<Record<string, string>> | undefined
  readonly workdir?: string | undefined
  /** Default: the best that the host offers. */
  readonly driver?: string | undefined
  /**
   * What may leave; default `none`: nothing. A policy, or words as in `api.example.com:443,public-internet`.
   * @throws {NetworkSyntaxError}
   */
  readonly network?: NetworkOption | undefined
  /** Cores; 0.5 is half of one. A limit that the host cannot enforce is refused. */
  readonly cpus?: number | undefined
  readonly memoryMib?: number | undefined
  /** All that the sandbox writes. */
  readonly diskMib?: number | undefined
  /** Processes and threads. */
  readonly pids?: number | undefined
  /** Per process. */
  readonly openFiles?: number | undefined
  /** Destroyed with the process that is started with `destroySandbox`, or when none is within 30 s. */
  readonly ephemeral?: boolean | undefined
  /** The same key twice gives the same sandbox; default: a new one for each call. */
  readonly idempotencyKey?: string | undefined
  readonly signal?: AbortSignal | undefined
}

export function createRequest(options: CreateOptions): CreateSandbox {
  const { template, name, labels, env, workdir, driver, ephemeral } = options
  const { cpus, memoryMib, diskMib, pids, openFiles } = options
  const resources = defined({ cpus, memoryMib, diskMib, pids, openFiles })
  return defined({
    template,
    name,
    labels,
    env,
    workdir,
    driver,
    ephemeral,
    network: networkOf(options.network),
    resources: Object.keys(resources).length === 0 ? undefined : resources,
  }) as CreateSandbox
}
