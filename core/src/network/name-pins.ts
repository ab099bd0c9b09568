// SPDX-License-Identifier: Apache-2.0
import { type Address, formatAddress } from './address.ts'
import { normalizeName } from './domain-pattern.ts'

const SHORTEST_TTL_MS = 60_000
const LONGEST_TTL_MS = 3_600_000
/** A client that keeps an answer for its whole TTL connects a little after that. */
const GRACE_MS = 300_000
const MAX_NAMES = 1024
const MAX_ADDRESSES_PER_NAME = 64
const MAX_NAMES_PER_ADDRESS = 64
/** Names times addresses would be much memory for whoever owns a DNS server. */
const MAX_PINS = 8192

interface Pin {
  readonly address: Address
  readonly expiresAtMs: number
}

/**
 * The answers of DNS that one sandbox got: which name was answered with which address, and until when that counts.
 * Bounded in every direction, the oldest goes first: whoever floods it only has to look up its own names again.
 */
export class NamePins {
  /** Both maps, and those in them, are in the order in which they were last pinned. */
  readonly #pins = new Map<string, Map<string, Pin>>()
  readonly #names = new Map<string, Set<string>>()
  #count = 0

  /** An answer that is still known stays as long as it would have without this one. */
  pin(name: string, addresses: readonly Address[], ttlMs: number, nowMs: number): void {
    const normal = normalizeName(name)
    if (normal === undefined) return
    const expiresAtMs = nowMs + clampTtl(ttlMs) + GRACE_MS
    const known = this.#pins.get(normal)
    if (known !== undefined) {
      this.#pins.delete(normal)
      this.#pins.set(normal, known)
    }
    for (const address of addresses.slice(0, MAX_ADDRESSES_PER_NAME)) this.#add(normal, address, expiresAtMs)
    while (this.#pins.size > MAX_NAMES || this.#count > MAX_PINS) this.#dropOldestName()
  }

  /** The names that were answered with this address. */
  namesOf(address: Address, nowMs: number): readonly string[] {
    const text = formatAddress(address)
    const names = [...(this.#names.get(text) ?? [])]
    return names.filter((name) => !this.#dropExpired(name, text, nowMs))
  }

  addressesOf(name: string, nowMs: number): readonly Address[] {
    const normal = normalizeName(name)
    if (normal === undefined) return []
    const pins = [...(this.#pins.get(normal) ?? [])]
    return pins.filter(([text]) => !this.#dropExpired(normal, text, nowMs)).map(([, pin]) => pin.address)
  }

  #add(name: string, address: Address, expiresAtMs: number): void {
    const text = formatAddress(address)
    const earlier = this.#pins.get(name)?.get(text)
    this.#drop(name, text)
    const pins = getOrAdd(this.#pins, name, () => new Map<string, Pin>())
    const names = getOrAdd(this.#names, text, () => new Set<string>())
    pins.set(text, { address, expiresAtMs: Math.max(expiresAtMs, earlier?.expiresAtMs ?? 0) })
    names.add(name)
    this.#count++
    const [oldestText] = pins.keys()
    if (pins.size > MAX_ADDRESSES_PER_NAME && oldestText !== undefined) this.#drop(name, oldestText)
    const [oldestName] = names
    if (names.size > MAX_NAMES_PER_ADDRESS && oldestName !== undefined) this.#drop(oldestName, text)
  }

  #dropOldestName(): void {
    const [oldest] = this.#pins
    if (oldest === undefined) return
    const [name, pins] = oldest
    for (const text of [...pins.keys()]) this.#drop(name, text)
  }

  /** True when it was expired. */
  #dropExpired(name: string, text: string, nowMs: number): boolean {
    const pin = this.#pins.get(name)?.get(text)
    if (pin !== undefined && nowMs <= pin.expiresAtMs) return false
    this.#drop(name, text)
    return true
  }

  #drop(name: string, text: string): void {
    const pins = this.#pins.get(name)
    if (pins?.delete(text) !== true) return
    this.#count--
    if (pins.size === 0) this.#pins.delete(name)
    const names = this.#names.get(text)
    names?.delete(name)
    if (names?.size === 0) this.#names.delete(text)
  }
}

function clampTtl(ttlMs: number): number {
  return ttlMs >= SHORTEST_TTL_MS ? Math.min(ttlMs, LONGEST_TTL_MS) : SHORTEST_TTL_MS
}

function getOrAdd<Value>(map: Map<string, Value>, key: string, make: () => Value): Value {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}
