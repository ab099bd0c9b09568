// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { TargetEvent, TargetOrder } from './network-wording.ts'

const SCRIPT = fileURLToPath(new URL('network-targets.ts', import.meta.url))
type OrderWithoutId = TargetOrder extends infer Order ? (Order extends TargetOrder ? Omit<Order, 'id'> : never) : never
type Heard = Exclude<TargetEvent, { event: 'done' }>

/** A network namespace that lives as long as the process in it, and what that process hears. */
export class NetworkStation {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, () => void>()
  readonly #wakes = new Set<() => void>()
  #heard: Heard[] = []
  #orders = 0

  private constructor(child: ChildProcess) {
    this.#child = child
    child.on('message', (event: TargetEvent) => this.#receive(event))
  }

  static async start(): Promise<NetworkStation> {
    const child = spawn('unshare', ['--net', '--', process.execPath, SCRIPT], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      // Whoever runs the tests may have options for Node that only fit there.
      env: { PATH: process.env['PATH'] },
    })
    const station = new NetworkStation(child)
    const failed = once(child, 'exit').then(([code]) => Promise.reject(new Error(`a target ended with ${code}`)))
    failed.catch(() => undefined)
    await Promise.race([new Promise<void>((resolve) => station.#waiting.set(0, resolve)), failed])
    return station
  }

  /** Put in front of a command so that it runs in this namespace. */
  get within(): readonly string[] {
    return ['nsenter', `--net=/proc/${this.#child.pid}/ns/net`, '--']
  }

  get pid(): number {
    return this.#child.pid as number
  }

  async order(order: OrderWithoutId): Promise<void> {
    const id = ++this.#orders
    const done = new Promise<void>((resolve) => this.#waiting.set(id, resolve))
    this.#child.send({ ...order, id })
    await done
  }

  /** All that was heard since the last time. */
  async take(): Promise<readonly Heard[]> {
    await this.order({ order: 'fence' })
    const heard = this.#heard
    this.#heard = []
    return heard
  }

  /** Waits until something of this kind was heard; takes nothing. */
  async until(isIt: (heard: Heard) => boolean): Promise<void> {
    while (!this.#heard.some(isIt)) await new Promise<void>((resolve) => this.#wakes.add(resolve))
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.disconnect()
    await ended
  }

  #receive(event: TargetEvent): void {
    if (event.event === 'done') {
      this.#waiting.get(event.id)?.()
      this.#waiting.delete(event.id)
      return
    }
    this.#heard.push(event)
    for (const wake of this.#wakes) wake()
    this.#wakes.clear()
  }
}
