// SPDX-License-Identifier: Apache-2.0
import { accessSync, constants } from 'node:fs'
import path from 'node:path'
import { type Account, isRoot } from './account.ts'
import { endPlace } from './end-place.ts'
import { IsolaServer, Place } from './isola-server.ts'
import { joinStations, SERVER } from './network-links.ts'
import { NetworkStation } from './network-station.ts'
import { NetworkWire } from './network-wire.ts'
import type { Zone } from './network-wording.ts'
import { type CreateOptions, Subject } from './subject.ts'

const DNS_ADDRESS = '93.184.215.53'
const TOOLS = ['ip', 'unshare', 'nsenter', 'python3']

/** Why such a world cannot be made here. */
export function worldObstacle(): string | undefined {
  if (!isRoot) return 'needs root'
  const missing = TOOLS.filter(
    (tool) => !(process.env['PATH'] ?? '').split(':').some((folder) => isProgram(path.join(folder, tool))),
  )
  return missing.length === 0 ? undefined : `needs ${missing.join(', ')}`
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** What has arrived outside: at the internet of this world, and at the machine of the server itself. */
export interface Arrivals {
  /** Every new connection and every datagram on the wire, each once: `tcp 93.184.215.14 443`; DNS of the server left out. */
  readonly wire: readonly string[]
  /** Every connection that somebody accepted, in their order: `93.184.215.14 443`. */
  readonly accepted: readonly string[]
  /** Connections to the server's machine, on any of its addresses. */
  readonly host: readonly string[]
  /** The bytes that came, by where they came: `93.184.215.14 443`. */
  readonly bytes: Readonly<Record<string, string>>
  /** Names that the DNS server was asked for. */
  readonly names: readonly string[]
}

/**
 * An internet of a test's own, where every address there is answers, and a machine in it that Isola runs on. Nothing
 * leaves this host.
 */
export class NetworkWorld implements AsyncDisposable {
  readonly place: Place
  readonly internet: NetworkStation
  readonly #host: NetworkStation
  readonly #wire: NetworkWire
  #server: IsolaServer | undefined

  private constructor(place: Place, internet: NetworkStation, host: NetworkStation, wire: NetworkWire) {
    this.place = place
    this.internet = internet
    this.#host = host
    this.#wire = wire
  }

  static async open(zone: Zone, account: Account): Promise<NetworkWorld> {
    const [internet, host] = await Promise.all([NetworkStation.start(), NetworkStation.start()])
    await joinStations(internet, host)
    await Promise.all([internet.order({ order: 'open', dnsAddress: DNS_ADDRESS }), host.order({ order: 'open' })])
    await internet.order({ order: 'zone', zone })
    const place = new Place(account, { within: host.within })
    const world = new NetworkWorld(place, internet, host, await NetworkWire.listen(internet.within, 'internet'))
    await world.startServer()
    return world
  }

  get server(): IsolaServer {
    if (this.#server === undefined) throw new Error('the server of this world was not started')
    return this.#server
  }

  get connection(): { url: string } {
    return { url: `unix:${this.server.socketPath}` }
  }

  async startServer(): Promise<void> {
    this.#server = await IsolaServer.start(this.place, ['--dns', `${DNS_ADDRESS}:53`])
    if (this.#server.ready.event !== 'ready') throw new Error(JSON.stringify(this.#server.ready))
  }

  create(options: CreateOptions = {}): Promise<Subject> {
    return Subject.create(this.connection, options)
  }

  setZone(zone: Zone): Promise<void> {
    return this.internet.order({ order: 'zone', zone })
  }

  /** All that has arrived since the last time. */
  async take(): Promise<Arrivals> {
    const [heard, host, wire] = await Promise.all([this.internet.take(), this.#host.take(), this.#wire.take()])
    const opened = new Map<number, string>()
    const bytes: Record<string, string> = {}
    for (const each of heard) {
      if (each.event === 'open') opened.set(each.number, `${each.address} ${each.port}`)
      if (each.event !== 'bytes') continue
      const from = opened.get(each.number) ?? `connection ${each.number}`
      bytes[from] = (bytes[from] ?? '') + each.text
    }
    return {
      wire: wire.filter((packet) => packet !== `udp ${DNS_ADDRESS} 53` && packet !== `tcp ${DNS_ADDRESS} 53`),
      host: host.flatMap((each) => (each.event === 'open' ? [`${each.address} ${each.port}`] : [])),
      accepted: [...opened.values()],
      bytes,
      names: heard.flatMap((each) => (each.event === 'question' ? [each.name] : [])),
    }
  }

  /** Ends everything; what is left then. */
  async end(): Promise<string[]> {
    const exit = await this.server.stop()
    const left = await endPlace(this.place)
    await Promise.all([this.#wire.end(), this.internet.end(), this.#host.end()])
    return exit === 0 ? left : [...left, `the server ended with ${exit} after SIGTERM: ${this.server.log}`]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end()
  }
}

export { SERVER }
