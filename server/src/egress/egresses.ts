// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path'
import {
  type Driver,
  type Egress,
  explain,
  type Journal,
  type NetworkSettings,
  Operation,
  type PresetHosts,
  parseAddress,
  readTarget,
  type SandboxRef,
} from '@isola/core'
import { IsolaError, type Network, type NetworkExplanation } from '@isola/protocol'
import type { NameLookup } from './dns-question.ts'
import { DriverEgress } from './driver-egress.ts'
import { hostAddresses } from './host-addresses.host.ts'
import { HttpProxy } from './http-proxy.host.ts'
import { NetworkLog } from './network-log.ts'
import type { RegistryFacts } from './registry-facts.ts'
import { policyOf } from './sandbox-network.ts'

const OPERATION_MS = 30_000
const NO_REGISTRIES: RegistryFacts = { hosts: [], env: {}, files: [], notes: [] }

export interface EgressesDeps {
  readonly stateDirectory: string
  readonly journal: Journal
  readonly lookup: NameLookup
  /** What the host's own package managers use; finding out takes a while. */
  findRegistries(): Promise<RegistryFacts>
  nowMs(): number
}

/** Egress of all drivers. What it needs is made when the first sandbox may reach anything. */
export class Egresses implements Egress, AsyncDisposable {
  readonly log: NetworkLog
  readonly #deps: EgressesDeps
  readonly #hostAddresses: () => ReadonlySet<string>
  readonly #ofDriver = new Map<string, Promise<DriverEgress>>()
  readonly #ready: DriverEgress[] = []
  #registries: RegistryFacts = NO_REGISTRIES
  #finding: Promise<void> | undefined
  #proxy: Promise<HttpProxy> | undefined

  constructor(deps: EgressesDeps) {
    this.#deps = deps
    this.#hostAddresses = hostAddresses(deps.nowMs)
    this.log = new NetworkLog(deps.nowMs)
  }

  async apply(driver: Driver, ref: SandboxRef, network: Network, operation: Operation): Promise<void> {
    const known = this.#ofDriver.get(driver.name)
    // A sandbox without a network has no way out at all until it first gets one.
    if (network === 'none' && !(await known)?.isOpen(ref.sandboxId)) return
    if (usesRegistries(network)) await operation.race(this.#findRegistries())
    const egress = await operation.race(known ?? this.#begin(driver))
    await egress.apply(ref.sandboxId, network, operation)
  }

  forget(sandboxId: string): void {
    this.log.forget(sandboxId)
    for (const egress of this.#ofDriver.values()) {
      egress.then(
        (known) => known.forget(sandboxId),
        () => {},
      )
    }
  }

  async settings(network: Network): Promise<NetworkSettings> {
    if (!usesRegistries(network)) return NO_REGISTRIES
    await this.#findRegistries()
    const { env, files } = this.#registries
    return { env, files }
  }

  /** What would happen to a program inside that asked for this URL now. */
  async explain(network: Network, url: string): Promise<NetworkExplanation> {
    if (usesRegistries(network)) await this.#findRegistries()
    const target = readTarget(url)
    const names = target === undefined || target.address !== null ? [] : [4, 6]
    const found = await Promise.all(
      names.map((family) =>
        this.#deps.lookup.lookup(target?.host ?? '', family as 4 | 6).catch(() => 'no-such-name' as const),
      ),
    )
    const addresses = found
      .flatMap((looked) => (looked === 'no-such-name' ? [] : looked.addresses))
      .flatMap((address) => parseAddress(address) ?? [])
    const facts = { addresses, hostAddresses: this.#hostAddresses(), presetHosts: this.#presetHosts() }
    const { steps, ...verdict } = explain(policyOf(network), url, facts)
    return { ...verdict, steps: [...steps] }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const proxy = await this.#proxy?.catch(() => undefined)
    await proxy?.close()
  }

  /** Asked once; a failure leaves the preset empty, which allows nothing, and is tried again the next time. */
  #findRegistries(): Promise<void> {
    this.#finding ??= this.#deps.findRegistries().then(
      (found) => {
        this.#registries = found
        if (found.notes.length > 0) this.#deps.journal.info('package registries', { notes: found.notes })
      },
      (error: unknown) => {
        this.#finding = undefined
        this.#deps.journal.warn('could not find out the package registries of this host', { error })
      },
    )
    return this.#finding
  }

  #presetHosts(): PresetHosts {
    return new Map([['package-registries', this.#registries.hosts]])
  }

  #begin(driver: Driver): Promise<DriverEgress> {
    const begun = this.#make(driver)
    this.#ofDriver.set(driver.name, begun)
    begun.catch(() => this.#ofDriver.delete(driver.name))
    return begun
  }

  async #make(driver: Driver): Promise<DriverEgress> {
    if (driver.egress === undefined) {
      throw new IsolaError('driver.unsupported', `the driver ${driver.name} cannot control what leaves a sandbox`, {
        hint: 'leave the network out, or choose another driver; `isola doctor` tells which can',
      })
    }
    const { journal, lookup, nowMs } = this.#deps
    const egress = new DriverEgress(driver.egress, {
      lookup,
      log: this.log,
      journal,
      presetHosts: () => this.#presetHosts(),
      hostAddresses: this.#hostAddresses,
      nowMs,
      operation: (name) => new Operation(name, { timeoutMs: OPERATION_MS }),
    })
    this.#proxy ??= this.#listen()
    egress.useProxy(await this.#proxy)
    this.#ready.push(egress)
    return egress
  }

  #listen(): Promise<HttpProxy> {
    return HttpProxy.listen({
      socketPath: join(this.#deps.stateDirectory, 'egress.sock'),
      journal: this.#deps.journal,
      decide: (connection, host) => {
        for (const egress of this.#ready)
          if (egress.isOpen(connection.sandboxId)) return egress.decideRequest(connection, host)
        return { verdict: 'deny', rule: null, reason: 'the sandbox is gone' }
      },
      told: ({ sandboxId, address, port }, { method, host, verdict, bytesUp, bytesDown }) =>
        this.log.add(sandboxId, {
          ...verdict,
          kind: 'request',
          host,
          address,
          port,
          protocol: 'http',
          method,
          bytesUp,
          bytesDown,
        }),
    })
  }
}

function usesRegistries(network: Network): boolean {
  return policyOf(network).rules.some(({ preset }) => preset === 'package-registries')
}
