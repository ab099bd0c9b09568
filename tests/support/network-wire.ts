// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface, type Interface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const PROGRAM = fileURLToPath(new URL('../security/programs/egress_wire.py', import.meta.url))

/** Sees every packet that arrives at an interface, whether or not anybody listens there. */
export class NetworkWire {
  readonly #child: ChildProcess
  readonly #lines: Interface

  private constructor(child: ChildProcess) {
    this.#child = child
    this.#lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })
  }

  static async listen(within: readonly string[], device: string): Promise<NetworkWire> {
    const [program, ...rest] = within as readonly [string, ...string[]]
    const wire = new NetworkWire(
      spawn(program, [...rest, '/usr/bin/python3', PROGRAM, device], { stdio: ['pipe', 'pipe', 'inherit'] }),
    )
    await once(wire.#lines, 'line')
    return wire
  }

  /** What has arrived since the last time, each once: `tcp 192.0.2.1 80` for a new connection. */
  async take(): Promise<readonly string[]> {
    const line = once(this.#lines, 'line') as Promise<[string]>
    this.#child.stdin?.write('\n')
    return JSON.parse((await line)[0]) as string[]
  }

  async end(): Promise<void> {
    const ended = once(this.#child, 'exit')
    this.#child.stdin?.end()
    await ended
  }
}
