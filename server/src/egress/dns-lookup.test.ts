// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Answer } from 'dns-packet'
import { afterAll, afterEach, expect, test } from 'vitest'
import { ask, dnsWorld } from '../../test/ask-dns.ts'
import { type DnsZone, startDnsServer } from '../../test/dns-server.ts'
import { createNameLookup } from './dns-lookup.host.ts'

const folder = mkdtempSync(join(tmpdir(), 'isola-dns-'))
const hostsFile = join(folder, 'hosts')
afterEach(() => rmSync(hostsFile, { force: true }))
afterAll(() => rmSync(folder, { recursive: true }))

const a = (name: string, data: string, ttl = 30): Answer => ({ type: 'A', name, data, ttl })

const ZONE: Record<string, ReturnType<DnsZone>> = {
  'www.example.org A': [a('www.example.org', '5.5.5.1', 30), a('www.example.org', '5.5.5.2', 20)],
  'www.example.org AAAA': [{ type: 'AAAA', name: 'www.example.org', data: '2606:4700::1', ttl: 30 }],
  'old.example.org A': [
    { type: 'CNAME', name: 'old.example.org', data: 'new.example.net', ttl: 30 },
    a('new.example.net', '5.5.5.3'),
  ],
  'dangling.example.org A': [{ type: 'CNAME', name: 'dangling.example.org', data: 'gone.example.net', ttl: 30 }],
  'text.example.org A': [],
  'broken.example.org A': 2,
  'refused.example.org A': 5,
  'many.example.org A': Array.from({ length: 100 }, (_, index) => a('many.example.org', `5.5.6.${index}`)),
  'moving.example.org A': [a('moving.example.org', '5.5.5.4', 0)],
  'inside.example.org A': [a('inside.example.org', '10.0.0.1')],
  'single A': [a('single', '5.5.5.5')],
}

async function world() {
  const server = await startDnsServer((name, type) => ZONE[`${name} ${type}`] ?? 'no-such-name')
  let nowMs = 0
  const lookup = createNameLookup({ servers: [server.address], hostsFile, now: () => nowMs })
  return {
    lookup,
    asked: server.asked,
    wait: (ms: number) => void (nowMs += ms),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

test('addresses come with the shortest of their TTLs', async () => {
  await using dns = await world()
  expect(await dns.lookup.lookup('www.example.org', 4)).toEqual({ addresses: ['5.5.5.1', '5.5.5.2'], ttlMs: 20_000 })
  expect(await dns.lookup.lookup('www.example.org', 6)).toEqual({ addresses: ['2606:4700::1'], ttlMs: 30_000 })
})

test('of a chain of names only the addresses at its end count', async () => {
  await using dns = await world()
  expect(await dns.lookup.lookup('old.example.org', 4)).toMatchObject({ addresses: ['5.5.5.3'] })
  expect(await dns.lookup.lookup('dangling.example.org', 4)).toMatchObject({ addresses: [] })
})

test('a name that does not exist and one without addresses are told apart', async () => {
  await using dns = await world()
  expect(await dns.lookup.lookup('none.example.org', 4)).toBe('no-such-name')
  expect(await dns.lookup.lookup('text.example.org', 4)).toEqual({ addresses: [], ttlMs: 0 })
})

test('an answer too long for UDP is asked for by TCP', async () => {
  await using dns = await world()
  const found = await dns.lookup.lookup('many.example.org', 4)
  expect(found).toMatchObject({ addresses: expect.objectContaining({ length: 100 }) })
})

test('a server that fails or refuses is an error, and the next question asks again', async () => {
  await using dns = await world()
  await expect(dns.lookup.lookup('broken.example.org', 4)).rejects.toMatchObject({ code: 'ESERVFAIL' })
  await expect(dns.lookup.lookup('refused.example.org', 4)).rejects.toMatchObject({ code: 'EREFUSED' })
  const before = dns.asked.length
  await expect(dns.lookup.lookup('broken.example.org', 4)).rejects.toMatchObject({ code: 'ESERVFAIL' })
  expect(dns.asked.length).toBeGreaterThan(before)
})

test('a server that nobody runs is an error', async () => {
  const server = await startDnsServer(() => 'silence')
  await server[Symbol.asyncDispose]()
  const lookup = createNameLookup({ servers: [server.address], hostsFile })
  await expect(lookup.lookup('www.example.org', 4)).rejects.toMatchObject({
    code: expect.stringMatching(/ECONNREFUSED|ETIMEOUT/),
  })
})

test('a server that is silent is given up', async () => {
  await using server = await startDnsServer(() => 'silence')
  const lookup = createNameLookup({ servers: [server.address], hostsFile, timeLimitMs: 100 })
  await expect(lookup.lookup('www.example.org', 4)).rejects.toMatchObject({ code: 'ETIMEOUT' })
})

test('an answer is kept until its TTL is over, and says what is left', async () => {
  await using dns = await world()
  await dns.lookup.lookup('www.example.org', 4)
  dns.wait(15_000)
  expect(await dns.lookup.lookup('www.example.org', 4)).toMatchObject({ ttlMs: 5_000 })
  expect(dns.asked).toHaveLength(1)
  dns.wait(5_000)
  expect(await dns.lookup.lookup('www.example.org', 4)).toMatchObject({ ttlMs: 20_000 })
  expect(dns.asked).toHaveLength(2)
})

test('a TTL of zero is obeyed', async () => {
  await using dns = await world()
  await dns.lookup.lookup('moving.example.org', 4)
  await dns.lookup.lookup('moving.example.org', 4)
  expect(dns.asked).toHaveLength(2)
})

test('that a name does not exist is kept for five seconds', async () => {
  await using dns = await world()
  for (const ms of [0, 4_999, 1]) {
    dns.wait(ms)
    expect(await dns.lookup.lookup('none.example.org', 4)).toBe('no-such-name')
  }
  expect(dns.asked).toHaveLength(2)
})

test('the same question at the same time is asked once', async () => {
  await using dns = await world()
  const found = await Promise.all(Array.from({ length: 50 }, () => dns.lookup.lookup('www.example.org', 4)))
  expect(found[49]).toMatchObject({ addresses: ['5.5.5.1', '5.5.5.2'] })
  expect(dns.asked).toHaveLength(1)
})

test('a flood of names to a silent server is turned away before it is much', async () => {
  await using server = await startDnsServer(() => 'silence')
  const lookup = createNameLookup({ servers: [server.address], hostsFile, timeLimitMs: 500 })
  const asked = Array.from({ length: 600 }, (_, index) => lookup.lookup(`n${index}.example.org`, 4))
  const results = await Promise.allSettled(asked)
  const codes = results.map((result) => (result.status === 'rejected' ? result.reason.code : 'found'))
  expect(codes.filter((code) => code === 'EBUSY')).toHaveLength(100)
  expect(codes.filter((code) => code === 'ETIMEOUT')).toHaveLength(500)
})

test('the hosts file comes first, and is read again when it changed', async () => {
  await using dns = await world()
  writeFileSync(hostsFile, '10.1.1.1 www.example.org db\n')
  expect(await dns.lookup.lookup('www.example.org', 4)).toMatchObject({ addresses: ['10.1.1.1'] })
  expect(await dns.lookup.lookup('www.example.org', 6)).toMatchObject({ addresses: [] })
  writeFileSync(hostsFile, '10.1.1.22 db\n')
  expect(await dns.lookup.lookup('db', 4)).toMatchObject({ addresses: ['10.1.1.22'] })
  expect(dns.asked).toEqual([])
})

test('given servers are asked for names without a dot as well', async () => {
  await using dns = await world()
  expect(await dns.lookup.lookup('single', 4)).toMatchObject({ addresses: ['5.5.5.5'] })
})

test('without given servers, a name without a dot is what the host says', async () => {
  const lookup = createNameLookup({ hostsFile })
  expect(await lookup.lookup('localhost', 4)).toMatchObject({ addresses: ['127.0.0.1'] })
})

test('a question of a sandbox is answered by a real server, and a private address of it is not', async () => {
  await using dns = await world()
  const { deps } = dnsWorld()
  const real = { ...deps, lookup: dns.lookup }
  expect(await ask(real, { name: 'WWW.example.org' })).toMatchObject({ addresses: ['5.5.5.1', '5.5.5.2'] })
  expect(await ask(real, { name: 'many.example.org', transport: 'tcp' })).toMatchObject({
    addresses: expect.objectContaining({ length: 64 }),
  })
  expect(await ask(real, { name: 'none.example.org' })).toMatchObject({ rcode: 'NXDOMAIN' })
  expect(await ask(real, { name: 'broken.example.org' })).toMatchObject({ rcode: 'SERVFAIL' })
  expect(await ask(real, { name: 'inside.example.org' })).toMatchObject({ rcode: 'REFUSED' })
})
