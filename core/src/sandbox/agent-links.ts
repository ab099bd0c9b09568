// SPDX-License-Identifier: Apache-2.0
import { IsolaError } from '@isola/protocol'
import { type AgentLink, openAgentLink } from '../agent-link/agent-link.ts'
import { fromHex } from '../agent-link/hex.ts'
import type { Driver, SandboxRef } from '../driver/driver.ts'
import { Operation } from '../operation/operation.ts'
import type { Random } from '../ports/random.ts'
import type { SandboxRecord } from '../ports/store.ts'

/** An agent that does not answer within this is reported as unreachable; the next request tries again. */
const CONNECT_TIMEOUT_MS = 10_000

/**
 * One link per sandbox, made when it is first needed and again after it broke. So taking over a
 * thousand sandboxes costs nothing, and a frozen one holds up only those who ask it.
 */
export class AgentLinks {
  readonly #driverOf: (name: string) => Driver
  readonly #random: Random
  readonly #links = new Map<string, Promise<AgentLink>>()

  constructor(driverOf: (name: string) => Driver, random: Random) {
    this.#driverOf = driverOf
    this.#random = random
  }

  /** @throws sandbox.agent_unreachable */
  open(record: SandboxRecord, operation: Operation): Promise<AgentLink> {
    let link = this.#links.get(record.id)
    if (link === undefined) {
      link = this.#connect(record)
      this.#keep(record.id, link)
    }
    return operation.race(link)
  }

  /** A link that exists already, as a blank's does. */
  adopt(id: string, link: AgentLink): void {
    this.#keep(id, Promise.resolve(link))
  }

  async connectTo(driver: Driver, ref: SandboxRef, keyHex: string, operation: Operation): Promise<AgentLink> {
    const channel = await driver.connect(ref, operation)
    return openAgentLink(channel, fromHex(keyHex), this.#random, operation)
  }

  close(id: string, reason: string): void {
    const link = this.#links.get(id)
    if (link === undefined) return
    this.#links.delete(id)
    const error = new IsolaError('sandbox.agent_unreachable', `the connection to sandbox ${id} was closed: ${reason}`)
    link.then(
      ({ frames }) => frames.close(error),
      () => {},
    )
  }

  closeAll(reason: string): void {
    for (const id of [...this.#links.keys()]) this.close(id, reason)
  }

  async #connect(record: SandboxRecord): Promise<AgentLink> {
    const operation = new Operation(`connect to sandbox ${record.id}`, { timeoutMs: CONNECT_TIMEOUT_MS })
    if (record.ref === null) throw unreachable(record.id, new Error('it was never started'))
    try {
      return await this.connectTo(this.#driverOf(record.driver), record.ref, record.keyHex, operation)
    } catch (error) {
      throw unreachable(record.id, error)
    }
  }

  #keep(id: string, link: Promise<AgentLink>): void {
    this.#links.set(id, link)
    const forget = (): void => {
      if (this.#links.get(id) === link) this.#links.delete(id)
    }
    link.then(({ frames }) => frames.onClose(forget), forget)
  }
}

function unreachable(id: string, cause: unknown): IsolaError {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new IsolaError('sandbox.agent_unreachable', `sandbox ${id} does not answer: ${why}`, { cause })
}
