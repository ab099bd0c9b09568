// SPDX-License-Identifier: Apache-2.0
import {
  type Address,
  type ConnectionFacts,
  decideConnection,
  decideName,
  decideRequest,
  type EgressRelay,
  type FirstBytes,
  formatAddress,
  type Journal,
  type Operation,
  type PresetHosts,
  parseAddress,
} from '@isola/core'
import type { Network, NetworkVerdict, RelayEvent } from '@isola/protocol'
import { answerQuestion, type NameLookup } from './dns-question.ts'
import { seeFirstBytes } from './first-bytes.ts'
import type { HttpProxy, ProxiedConnection } from './http-proxy.host.ts'
import type { NetworkLog } from './network-log.ts'
import { type HeldConnection, policyOf, SandboxNetwork } from './sandbox-network.ts'

/** How long first bytes are waited for before a connection is judged without them. */
const FIRST_BYTES_WAIT_MS = 300
/** For the rest of what has begun, and for those who would be denied while they say nothing. */
const SPEAK_WAIT_MS = 15_000
/** Here nobody is connected to before the client has spoken. */
const CLIENT_SPEAKS_FIRST: ReadonlySet<number> = new Set([80, 443, 8080, 8443])
/** Where a denial can be told in the client's own words. */
const HTTP_PORT = 80
const DNS_PORT = 53

export interface DriverEgressDeps {
  readonly lookup: NameLookup
  readonly log: NetworkLog
  readonly journal: Journal
  presetHosts(): PresetHosts
  /** The host's own addresses now, as `formatAddress` writes them. */
  hostAddresses(): ReadonlySet<string>
  nowMs(): number
  operation(name: string): Operation
}

type EventOf<Kind extends RelayEvent['event']> = Extract<RelayEvent, { event: Kind }>

/**
 * Decides what leaves the sandboxes of one driver: the state around the pure decisions of core. Whatever cannot
 * be decided, for a sandbox that is not known or by a fault of ours, is denied.
 */
export class DriverEgress {
  readonly #relay: EgressRelay
  readonly #deps: DriverEgressDeps
  readonly #networks = new Map<string, SandboxNetwork>()
  /** By the relay's number. */
  readonly #owners = new Map<number, SandboxNetwork>()
  #proxy: HttpProxy | undefined

  constructor(relay: EgressRelay, deps: DriverEgressDeps) {
    this.#relay = relay
    this.#deps = deps
    relay.onEvent((event) => this.#onEvent(event))
    relay.onLost(() => this.#onLost())
  }

  /** The proxy asks us about each request; so it is made after us. */
  useProxy(proxy: HttpProxy): void {
    this.#proxy = proxy
  }

  /** The policy holds when this resolves, also for connections that are open already. */
  async apply(sandboxId: string, network: Network, operation: Operation): Promise<void> {
    const policy = policyOf(network)
    const known = this.#networks.get(sandboxId)
    if (known === undefined) {
      this.#networks.set(sandboxId, new SandboxNetwork(sandboxId, policy))
      try {
        await this.#relay.open(sandboxId, policy, operation)
      } catch (error) {
        this.#networks.delete(sandboxId)
        throw error
      }
      return
    }
    known.policy = policy
    this.#relay.bound(sandboxId, policy)
    this.#judgeAgain(known)
  }

  isOpen(sandboxId: string): boolean {
    return this.#networks.has(sandboxId)
  }

  forget(sandboxId: string): void {
    const known = this.#networks.get(sandboxId)
    if (known === undefined) return
    this.#networks.delete(sandboxId)
    for (const number of known.connections.keys()) this.#owners.delete(number)
    this.#deps.log.forget(sandboxId)
  }

  /** One request on a connection that the proxy holds. */
  decideRequest({ sandboxId, connection, address, port }: ProxiedConnection, host: string | null): NetworkVerdict {
    const network = this.#networks.get(sandboxId)
    const parsed = parseAddress(address)
    if (network === undefined || parsed === undefined) return denied('the sandbox is gone')
    const held = network.connections.get(connection)
    if (held !== undefined) held.host = host
    return decideRequest(network.policy, { host, address: parsed, port }, this.#facts(network, parsed))
  }

  #onEvent(event: RelayEvent): void {
    try {
      if (event.event === 'connection') this.#onConnection(event)
      else if (event.event === 'first-bytes') this.#onFirstBytes(event)
      else if (event.event === 'dns') void this.#onQuestion(event)
      else if (event.event === 'ended') this.#onEnded(event)
      else this.#onRefused(event)
    } catch (error) {
      this.#deps.journal.warn('could not decide about a connection', { event: event.event, error })
      if ('connection' in event) this.#relay.decide({ connection: event.connection, action: 'deny' })
    }
  }

  #onConnection({ connection, sandboxId, address, port }: EventOf<'connection'>): void {
    const network = this.#networks.get(sandboxId)
    const parsed = parseAddress(address)
    if (network === undefined || parsed === undefined) return this.#relay.decide({ connection, action: 'deny' })
    const held = newConnection(parsed, port)
    network.connections.set(connection, held)
    this.#owners.set(connection, network)
    if (port === DNS_PORT) {
      held.protocol = 'dns'
      held.isAllowed = true
      return this.#relay.decide({ connection, action: 'dns' })
    }
    const decision = this.#judge(network, held, 'unknown')
    const couldBeTold = decision.verdict === 'deny' && port === HTTP_PORT
    if (decision.needsFirstBytes || couldBeTold) return this.#wait(connection, 0, FIRST_BYTES_WAIT_MS)
    this.#carryOut(connection, network, held, decision)
  }

  #onFirstBytes({ connection, bytesHex, complete }: EventOf<'first-bytes'>): void {
    const network = this.#owners.get(connection)
    const held = network?.connections.get(connection)
    if (network === undefined || held === undefined) return this.#relay.decide({ connection, action: 'deny' })
    const bytes = Buffer.from(bytesHex, 'hex')
    const seen = seeFirstBytes(bytes, complete)
    if (seen.kind === 'incomplete') return this.#wait(connection, bytes.length, SPEAK_WAIT_MS)
    const { firstBytes } = seen
    if (firstBytes === 'none') return this.#onSilence(connection, network, held)
    if (firstBytes.kind === 'http-proxy') return this.#handOver(connection, network, held)
    held.firstBytes = firstBytes
    held.protocol = firstBytes.kind === 'tls' ? 'tls' : 'tcp'
    if (firstBytes.kind === 'tls') held.host = firstBytes.serverName
    held.isGuarded = false
    this.#carryOut(connection, network, held, this.#judge(network, held, firstBytes))
  }

  /**
   * Some protocols let the server speak first. What comes back may pass; what the client says then is judged
   * before it goes out, since it could still be another name at the same address.
   */
  #onSilence(connection: number, network: SandboxNetwork, held: HeldConnection): void {
    const verdict = this.#judge(network, held, 'none')
    const isForSpeakers = CLIENT_SPEAKS_FIRST.has(held.port)
    if (held.firstBytes === 'unknown' && (isForSpeakers || verdict.verdict === 'deny')) {
      held.firstBytes = 'none'
      return this.#wait(connection, 0, SPEAK_WAIT_MS)
    }
    held.firstBytes = 'none'
    held.isGuarded = true
    this.#carryOut(connection, network, held, isForSpeakers ? denied('it said nothing') : verdict)
  }

  #wait(connection: number, haveBytes: number, waitMs: number): void {
    this.#relay.decide({ connection, action: 'wait', haveBytes, waitMs })
  }

  #handOver(connection: number, network: SandboxNetwork, held: HeldConnection): void {
    held.protocol = 'http'
    const proxy = this.#proxy
    if (proxy === undefined) return this.#carryOut(connection, network, held, denied('the proxy is not there'))
    held.isAllowed = true
    const preface = proxy.expect({
      sandboxId: network.sandboxId,
      connection,
      address: formatAddress(held.address),
      port: held.port,
    })
    this.#relay.decide({ connection, action: 'local', socketPath: proxy.socketPath, preface })
  }

  #carryOut(connection: number, network: SandboxNetwork, held: HeldConnection, verdict: NetworkVerdict): void {
    held.isAllowed = verdict.verdict === 'allow'
    this.#tell(network, held, 'connection', verdict)
    const { port, isGuarded } = held
    const address = formatAddress(held.address)
    if (held.isAllowed) this.#relay.decide({ connection, action: 'tunnel', address, port, guarded: isGuarded })
    else this.#relay.decide({ connection, action: 'deny' })
  }

  async #onQuestion({ query, sandboxId, stream, messageHex }: EventOf<'dns'>): Promise<void> {
    const network = this.#networks.get(sandboxId)
    if (network === undefined) return
    const answer = await answerQuestion(Buffer.from(messageHex, 'hex'), stream ? 'tcp' : 'udp', {
      lookup: this.#deps.lookup,
      decide: (name) => decideName(network.policy, name, this.#deps.presetHosts()),
      mayAnswer: (name, address) => network.mayAnswer(name, address, this.#deps.presetHosts()),
      pin: (name, addresses, ttlMs) => network.pins.pin(name, addresses, ttlMs, this.#deps.nowMs()),
      told: ({ name, verdict }) =>
        this.#deps.log.add(sandboxId, {
          ...verdict,
          kind: 'name',
          host: name,
          address: null,
          port: null,
          protocol: 'dns',
          method: null,
          bytesUp: null,
          bytesDown: null,
        }),
    })
    if (answer !== undefined) this.#relay.answer(query, answer)
  }

  #onEnded({ connection, bytesUp, bytesDown, over, detail }: EventOf<'ended'>): void {
    const network = this.#owners.get(connection)
    const held = network?.connections.get(connection)
    this.#owners.delete(connection)
    network?.connections.delete(connection)
    if (network === undefined || held === undefined || over === 'denied' || held.protocol === 'dns') return
    const verdict = { verdict: 'allow', rule: null, reason: detail === '' ? over : `${over}: ${detail}` } as const
    this.#tell(network, held, 'end', verdict, { bytesUp, bytesDown })
  }

  #onRefused({ sandboxId, address, port }: EventOf<'refused'>): void {
    const network = this.#networks.get(sandboxId)
    const parsed = parseAddress(address)
    if (network === undefined || parsed === undefined) return
    const held = newConnection(parsed, port)
    const reason = `more than ${network.policy.maxConnections} connections at the same time`
    this.#tell(network, held, 'connection', denied(reason))
  }

  /** After the policy changed: what would not be let through now is cut. */
  #judgeAgain(network: SandboxNetwork): void {
    const cut = [...network.connections].filter(([, held]) => {
      if (!held.isAllowed || held.protocol === 'dns') return false
      return this.#judgeNow(network, held).verdict === 'deny'
    })
    if (cut.length > 0)
      this.#relay.cut(
        network.sandboxId,
        cut.map(([number]) => number),
      )
  }

  /** What would be said now to a connection that is open. */
  #judgeNow(network: SandboxNetwork, held: HeldConnection): NetworkVerdict {
    const { host, address, port, protocol, firstBytes } = held
    if (protocol !== 'http') return this.#judge(network, held, firstBytes)
    return decideRequest(network.policy, { host, address, port }, this.#facts(network, address))
  }

  #judge(network: SandboxNetwork, { address, port }: HeldConnection, firstBytes: FirstBytes) {
    const facts: ConnectionFacts = { ...this.#facts(network, address), firstBytes }
    return decideConnection(network.policy, { address, port }, facts)
  }

  #facts(network: SandboxNetwork, address: Address) {
    return {
      pinnedNames: network.pins.namesOf(address, this.#deps.nowMs()),
      hostAddresses: this.#deps.hostAddresses(),
      presetHosts: this.#deps.presetHosts(),
    }
  }

  #tell(
    { sandboxId, pins }: SandboxNetwork,
    { host, address, port, protocol }: HeldConnection,
    kind: 'connection' | 'end',
    { verdict, rule, reason }: NetworkVerdict,
    bytes?: { readonly bytesUp: number; readonly bytesDown: number },
  ): void {
    this.#deps.log.add(sandboxId, {
      verdict,
      rule,
      reason,
      kind,
      host: host ?? pins.namesOf(address, this.#deps.nowMs())[0] ?? null,
      address: formatAddress(address),
      port,
      protocol,
      method: null,
      bytesUp: bytes?.bytesUp ?? null,
      bytesDown: bytes?.bytesDown ?? null,
    })
  }

  /** Every connection was reset with the relay; the sandboxes are opened again, with the policies they had. */
  #onLost(): void {
    this.#owners.clear()
    for (const network of this.#networks.values()) {
      network.connections.clear()
      void this.#reopen(network)
    }
  }

  async #reopen(network: SandboxNetwork): Promise<void> {
    try {
      await this.#relay.open(network.sandboxId, network.policy, this.#deps.operation('open a network again'))
    } catch (error) {
      this.#deps.journal.warn('could not open the network of a sandbox again: it stays closed', {
        id: network.sandboxId,
        error,
      })
    }
  }
}

function newConnection(address: Address, port: number): HeldConnection {
  return { address, port, host: null, firstBytes: 'unknown', isGuarded: false, protocol: 'tcp', isAllowed: false }
}

function denied(reason: string): NetworkVerdict {
  return { verdict: 'deny', rule: null, reason }
}
