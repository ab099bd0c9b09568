// SPDX-License-Identifier: Apache-2.0
import { randomInt } from 'node:crypto'
import { type EgressRelay, type Journal, Operation, type RelayBounds } from '@isola/core'
import {
  IsolaError,
  type RelayDecision,
  type RelayEvent,
  type RelayOperation,
  type RelayRequest,
} from '@isola/protocol'
import type { Launcher } from './launcher.host.ts'
import { greetRelay, type RelayLink } from './relay-link.ts'
import { connectUnix } from './unix-channel.host.ts'

const ORDER_TIMEOUT_MS = 10_000

/**
 * The relay of one launcher, connected to when the first sandbox needs it and again after it was lost.
 * Safety: its socket lies in the launcher's directory, which only this user may enter; what it tells of a
 * connection (addresses, first bytes) comes from inside and is judged by whoever listens.
 */
export class Relay implements EgressRelay {
  readonly #launcher: Launcher
  readonly #journal: Journal
  readonly #eventListeners: ((event: RelayEvent) => void)[] = []
  readonly #lostListeners: (() => void)[] = []
  #link: Promise<RelayLink> | undefined
  #socket: string | undefined
  #isClosed = false

  constructor(launcher: Launcher, journal: Journal) {
    this.#launcher = launcher
    this.#journal = journal
  }

  async open(sandboxId: string, bounds: RelayBounds, operation: Operation): Promise<void> {
    // One that is known and has its entrances keeps them: making them anew would cut what goes through them.
    if (!(await this.#isKnown(sandboxId, operation))) {
      const { relaySocket } = await this.#launcher.call('network', { sandboxId }, operation)
      this.#socket = relaySocket
    }
    const link = await operation.race(this.#connect())
    await link.call('bounds', { sandboxId, ...bounds }, operation)
  }

  decide(decision: RelayDecision): void {
    this.#order('decide', decision)
  }

  bound(sandboxId: string, bounds: RelayBounds): void {
    this.#order('bounds', { sandboxId, ...bounds })
  }

  cut(sandboxId: string, connections?: readonly number[]): void {
    this.#order('cut', { sandboxId, ...(connections === undefined ? {} : { connections: [...connections] }) })
  }

  answer(query: number, message: Uint8Array): void {
    this.#order('answer', { query, messageHex: Buffer.from(message).toString('hex') })
  }

  onEvent(listener: (event: RelayEvent) => void): void {
    this.#eventListeners.push(listener)
  }

  onLost(listener: () => void): void {
    this.#lostListeners.push(listener)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const link = await this.#link?.catch(() => undefined)
    link?.frames.close(new IsolaError('server.closing', 'the server let go of the relay'))
  }

  async #isKnown(sandboxId: string, operation: Operation): Promise<boolean> {
    if (this.#socket === undefined) return false
    try {
      const link = await operation.race(this.#connect())
      return (await link.call('list', {}, operation)).sandboxes.includes(sandboxId)
    } catch (error) {
      operation.check()
      operation.log(`the relay does not answer: ${String(error)}`)
      return false
    }
  }

  #connect(): Promise<RelayLink> {
    if (this.#isClosed) return Promise.reject(new IsolaError('server.closing', 'the driver is closed'))
    if (this.#link !== undefined) return this.#link
    const connecting = this.#dial()
    this.#link = connecting
    const forget = (): void => {
      if (this.#link === connecting) this.#link = undefined
    }
    connecting.then(({ frames }) => {
      frames.onClose((error) => {
        forget()
        if (this.#isClosed) return
        this.#journal.warn('lost the relay', { error })
        for (const listener of this.#lostListeners) listener()
      })
    }, forget)
    return connecting
  }

  async #dial(): Promise<RelayLink> {
    const operation = new Operation('connect to the relay', { timeoutMs: ORDER_TIMEOUT_MS })
    if (this.#socket === undefined) throw new IsolaError('host.launcher_failed', 'there is no relay yet')
    const channel = await connectUnix(this.#socket, operation)
    return greetRelay(channel, randomInt(1, 2 ** 32 - 1), (event) => this.#tell(event), operation)
  }

  #tell(event: RelayEvent): void {
    for (const listener of this.#eventListeners) listener(event)
  }

  /** What cannot be told to the relay is of no use any more either: it cuts everything when it loses us. */
  #order<Op extends RelayOperation>(op: Op, request: RelayRequest<Op>): void {
    const operation = new Operation(`order the relay to ${op}`, { timeoutMs: ORDER_TIMEOUT_MS })
    this.#link
      ?.then((link) => link.call(op, request, operation))
      .catch((error: unknown) => {
        if (!this.#isClosed) this.#journal.warn('the relay did not take an order', { op, error })
      })
  }
}
