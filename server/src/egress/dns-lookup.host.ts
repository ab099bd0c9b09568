// SPDX-License-Identifier: Apache-2.0
import { lookup as askSystem, Resolver } from 'node:dns/promises'
import { readFile, stat } from 'node:fs/promises'
import { DnsCache } from './dns-cache.ts'
import { parseHostsFile } from './dns-hosts-file.ts'
import type { LookedUp, NameLookup } from './dns-question.ts'

const TIME_LIMIT_MS = 5_000
const TRY_TIMEOUT_MS = 2_000
const TRIES = 2
const MAX_IN_FLIGHT = 500
/** getaddrinfo holds one of Node's four threads, which files need as well, for as long as the host's resolver takes. */
const MAX_SYSTEM_IN_FLIGHT = 2
/** The host's own files and modules give none. */
const LOCAL_TTL_MS = 10_000
const HOSTS_FILE = '/etc/hosts'

type Found = LookedUp | 'no-such-name'

export interface NameLookupOptions {
  /** Ask these, like `127.0.0.1:5353`, and not those that the host is configured with. */
  readonly servers?: readonly string[]
  readonly hostsFile?: string
  readonly timeLimitMs?: number
  readonly now?: () => number
}

/**
 * Looks names up as the host would: in its hosts file, then, for a name with a dot, at its DNS servers, and for one
 * without at whatever else it asks. Answers are kept and questions in flight are shared, so whoever shares
 * a lookup can see by a TTL that somebody else asked: one for each sandbox costs little.
 *
 * Safety: names come from inside and were allowed by a policy; they reach the host's resolver as data, at most
 * 500 at a time for 5 seconds each. What comes back may be anybody's and is only ever addresses.
 */
export function createNameLookup(options: NameLookupOptions = {}): NameLookup {
  const { servers, hostsFile = HOSTS_FILE, timeLimitMs = TIME_LIMIT_MS, now = () => performance.now() } = options
  const cache = new DnsCache()
  const inFlight = new Map<string, Promise<Found>>()
  const hosts = hostsReader(hostsFile)
  const system = systemAsker(timeLimitMs)

  async function find(name: string, family: 4 | 6): Promise<Found> {
    const listed = (await hosts()).get(name)
    if (listed !== undefined) return ofFamily(listed, family)
    if (servers === undefined && !name.includes('.')) return await system(name, family)
    return await askServers(servers, name, family, timeLimitMs)
  }

  return {
    async lookup(name, family) {
      const key = `${family} ${name}`
      const kept = cache.get(key, now())
      if (kept !== undefined) return kept
      const running = inFlight.get(key)
      if (running !== undefined) return running
      if (inFlight.size >= MAX_IN_FLIGHT) throw busy(name)
      const asked = find(name, family)
        .then((found) => {
          cache.put(key, found, now())
          return found
        })
        .finally(() => inFlight.delete(key))
      inFlight.set(key, asked)
      return asked
    },
  }
}

/** A resolver of its own for each question: it has read the host's configuration of now, and can be cancelled. */
async function askServers(
  servers: readonly string[] | undefined,
  name: string,
  family: 4 | 6,
  timeLimitMs: number,
): Promise<Found> {
  const resolver = new Resolver({ timeout: TRY_TIMEOUT_MS, tries: TRIES })
  if (servers !== undefined) resolver.setServers(servers)
  const asked = family === 4 ? resolver.resolve4(name, { ttl: true }) : resolver.resolve6(name, { ttl: true })
  const records = await limited(asked.catch(nothingOrThrow), name, timeLimitMs, () => resolver.cancel())
  if (records === 'no-such-name') return records
  return {
    addresses: records.map(({ address }) => address),
    ttlMs: records.length === 0 ? 0 : Math.min(...records.map(({ ttl }) => ttl)) * 1000,
  }
}

/** Both families at once: a client asks for both, and each question would hold a thread. */
function systemAsker(timeLimitMs: number): (name: string, family: 4 | 6) => Promise<Found> {
  const inFlight = new Map<string, Promise<readonly string[] | 'no-such-name'>>()

  function ask(name: string): Promise<readonly string[] | 'no-such-name'> {
    const running = inFlight.get(name)
    if (running !== undefined) return running
    if (inFlight.size >= MAX_SYSTEM_IN_FLIGHT) throw busy(name)
    const asked = askSystem(name, { all: true, order: 'verbatim' })
      .catch(nothingOrThrow)
      .then((found) => (found === 'no-such-name' ? found : found.map(({ address }) => address)))
      // Not earlier, even when nobody waits any more: the thread is held until then.
      .finally(() => inFlight.delete(name))
    inFlight.set(name, asked)
    return asked
  }

  return async (name, family) => {
    const addresses = await limited(ask(name), name, timeLimitMs, () => {})
    return addresses === 'no-such-name' ? addresses : ofFamily(addresses, family)
  }
}

/** Reads the file again when it changed; without one there are no names in it. */
function hostsReader(path: string): () => Promise<ReadonlyMap<string, readonly string[]>> {
  let read: { readonly stamp: string; readonly hosts: ReadonlyMap<string, readonly string[]> } | undefined
  return async () => {
    try {
      const { mtimeMs, size } = await stat(path)
      const stamp = `${mtimeMs} ${size}`
      if (read?.stamp !== stamp) read = { stamp, hosts: parseHostsFile(await readFile(path, 'utf8')) }
      return read.hosts
    } catch {
      return new Map()
    }
  }
}

function ofFamily(addresses: readonly string[], family: 4 | 6): LookedUp {
  return {
    addresses: addresses.filter((address) => address.includes(':') === (family === 6)),
    ttlMs: LOCAL_TTL_MS,
  }
}

function nothingOrThrow(error: unknown): readonly [] | 'no-such-name' {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENODATA') return []
  if (code === 'ENOTFOUND') return 'no-such-name'
  throw error
}

async function limited<Value>(
  asked: Promise<Value>,
  name: string,
  limitMs: number,
  cancel: () => void,
): Promise<Value> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(lookupError('ETIMEOUT', `look up ${name}: no answer within ${limitMs / 1000} seconds`))
      cancel()
    }, limitMs)
  })
  try {
    return await Promise.race([asked, late])
  } finally {
    clearTimeout(timer)
  }
}

function busy(name: string): Error {
  return lookupError('EBUSY', `look up ${name}: too many questions are waiting for an answer`)
}

function lookupError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code })
}
