// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest'
import { ALLOWED, ask, DENIED, dnsWorld } from '../../test/ask-dns.ts'

const API = 'api.example.org'

test('an allowed name is answered with its addresses, and pinned before the answer leaves', async () => {
  const { deps, pinned, told } = dnsWorld({ [API]: ['5.5.5.1', '5.5.5.2'] })
  const { rcode, addresses, packet } = await ask(deps, { name: API })
  expect({ rcode, addresses }).toEqual({ rcode: 'NOERROR', addresses: ['5.5.5.1', '5.5.5.2'] })
  expect(packet).toMatchObject({
    id: 4711,
    flag_qr: true,
    flag_rd: true,
    flag_ra: true,
    flag_tc: false,
    flag_aa: false,
  })
  expect(packet.answers?.[0]).toMatchObject({ name: API, ttl: 60 })
  expect(pinned).toEqual([{ name: API, addresses: 2, ttlMs: 60_000 }])
  expect(told).toEqual([{ name: API, type: 'A', verdict: ALLOWED, outcome: 'answered' }])
})

test('AAAA is answered with IPv6 addresses only', async () => {
  const { deps, lookedUp } = dnsWorld({ [API]: ['2606:4700::1', '5.5.5.1', '::ffff:5.5.5.2', 'nonsense'] })
  expect(await ask(deps, { name: API, type: 'AAAA' })).toMatchObject({ addresses: ['2606:4700::1'] })
  expect(lookedUp).toEqual([`${API} 6`])
})

test('the case of each letter comes back as it was asked', async () => {
  const { deps, lookedUp } = dnsWorld({ [API]: ['5.5.5.1'] })
  const { packet } = await ask(deps, { name: 'aPI.eXample.ORG' })
  expect(packet.questions?.[0]?.name).toBe('aPI.eXample.ORG')
  expect(packet.answers?.[0]?.name).toBe('aPI.eXample.ORG')
  expect(lookedUp).toEqual([`${API} 4`])
})

test('a name that is not allowed is refused without a lookup, and a client with EDNS reads why', async () => {
  const { deps, lookedUp, told } = dnsWorld()
  expect(await ask(deps, { name: 'elsewhere.example.com', opt: {} })).toMatchObject({
    rcode: 'REFUSED',
    extendedError: { code: 17, text: 'no rule allows it' },
  })
  expect(lookedUp).toEqual([])
  expect(told).toEqual([{ name: 'elsewhere.example.com', type: 'A', verdict: DENIED, outcome: 'refused' }])
})

test('a client without EDNS gets no OPT record', async () => {
  const { deps } = dnsWorld()
  const { packet, rcode } = await ask(deps, { name: 'elsewhere.example.com' })
  expect({ rcode, additionals: packet.additionals }).toEqual({ rcode: 'REFUSED', additionals: [] })
})

test.each(['TXT', 'MX', 'SRV', 'NULL', 'ANY', 'PTR', 'NS', 'CNAME', 'SOA', 'UNKNOWN_64', 'UNKNOWN_65', 'UNKNOWN_4711'])(
  'type %s of an allowed name is absent, and nobody is asked',
  async (type) => {
    const { deps, lookedUp, told } = dnsWorld({ [API]: ['5.5.5.1'] })
    expect(await ask(deps, { name: API, type })).toMatchObject({ rcode: 'NOERROR', addresses: [] })
    expect(lookedUp).toEqual([])
    expect(told[0]).toMatchObject({ outcome: 'empty', verdict: ALLOWED })
  },
)

test('the type of HTTPS records is told by its name, one without a name by its number', async () => {
  const { deps, told } = dnsWorld()
  await ask(deps, { name: API, type: 'UNKNOWN_65' })
  await ask(deps, { name: API, type: 'UNKNOWN_4711' })
  expect(told.map(({ type }) => type)).toEqual(['HTTPS', 'TYPE4711'])
})

test.each([
  ['localhost', 'A', ['127.0.0.1']],
  ['LocalHost', 'AAAA', ['::1']],
  ['app.localhost', 'A', ['127.0.0.1']],
  ['localhost', 'TXT', []],
])('%s %s means the sandbox itself', async (name, type, addresses) => {
  const { deps, lookedUp, pinned } = dnsWorld()
  expect(await ask(deps, { name, type })).toMatchObject({ rcode: 'NOERROR', addresses })
  expect({ lookedUp, pinned }).toEqual({ lookedUp: [], pinned: [] })
})

test.each(['hidden.onion', 'a.invalid', 'invalid'])('%s never exists', async (name) => {
  const { deps, lookedUp } = dnsWorld()
  expect(await ask({ ...deps, decide: () => ALLOWED }, { name })).toMatchObject({ rcode: 'NXDOMAIN' })
  expect(lookedUp).toEqual([])
})

test.each(['intranet', 'printer.local', 'db.internal', '4.3.2.1.in-addr.arpa', 'a.test'])(
  '%s is decided on like every other name',
  async (name) => {
    const { deps } = dnsWorld({ [name]: ['5.5.5.1'] })
    expect(await ask(deps, { name })).toMatchObject({ rcode: 'REFUSED' })
    expect(await ask({ ...deps, decide: () => ALLOWED }, { name })).toMatchObject({ addresses: ['5.5.5.1'] })
  },
)

test('a name that does not exist, and one without addresses, are told apart', async () => {
  const { deps, told } = dnsWorld({ [API]: [] })
  expect(await ask(deps, { name: API })).toMatchObject({ rcode: 'NOERROR', addresses: [] })
  expect(await ask(deps, { name: 'no.example.org' })).toMatchObject({ rcode: 'NXDOMAIN', addresses: [] })
  expect(told.map(({ outcome }) => outcome)).toEqual(['empty', 'no-such-name'])
})

test.each([
  ['ETIMEOUT', 22, 'the host could not look it up (ETIMEOUT)'],
  ['ESERVFAIL', 23, 'the host could not look it up (ESERVFAIL)'],
  ['10.0.0.1 is down', 23, 'the host could not look it up'],
])('a lookup that fails with %s is a failure with a reason', async (code, extendedCode, text) => {
  const { deps, told } = dnsWorld({ [API]: Object.assign(new Error('connect 10.0.0.1'), { code }) })
  expect(await ask(deps, { name: API, opt: {} })).toMatchObject({
    rcode: 'SERVFAIL',
    extendedError: { code: extendedCode, text },
  })
  expect(told[0]).toMatchObject({ outcome: 'failed' })
})

test.each([
  [-1, 1],
  [0, 1],
  [Number.NaN, 1],
  [1_999, 1],
  [299_000, 299],
  [86_400_000, 300],
  [Number.POSITIVE_INFINITY, 300],
])('a TTL of %d ms becomes %d s', async (ttlMs, seconds) => {
  const { deps, pinned } = dnsWorld()
  const lookup = { lookup: async () => ({ addresses: ['5.5.5.1'], ttlMs }) }
  const { packet } = await ask({ ...deps, lookup }, { name: API })
  expect(packet.answers?.[0]).toMatchObject({ ttl: seconds })
  expect(pinned[0]?.ttlMs).toBe(seconds * 1000)
})

const many = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `5.5.${index >> 8}.${index & 255}`)

test('at most 64 addresses are answered, and each only once', async () => {
  const { deps } = dnsWorld({ [API]: [...many(200), ...many(200)] })
  const { addresses } = await ask(deps, { name: API, transport: 'tcp' })
  expect(addresses).toEqual(many(64))
})

test.each([
  ['without EDNS', undefined, 512],
  ['with a small size', { payload: 100 }, 512],
  ['with its size', { payload: 700 }, 700],
  ['with a size that would be fragmented', { payload: 65_535 }, 1232],
])('an answer by UDP to a client %s fits, and says when some was left out', async (_, opt, limit) => {
  const name = `${'a'.repeat(60)}.${'b'.repeat(60)}.example.org`
  const { deps, pinned } = dnsWorld({ [name]: many(64).map((_, index) => `2606:4700::${index.toString(16)}`) })
  const { bytes, addresses, packet } = await ask(deps, { name, type: 'AAAA', ...(opt && { opt }) })
  expect(bytes).toBeLessThanOrEqual(limit)
  expect(bytes).toBeGreaterThan(limit - 28)
  expect(packet.flag_tc).toBe(true)
  expect(pinned[0]?.addresses).toBe(addresses.length)
})

test('by TCP everything fits', async () => {
  const name = `${'a'.repeat(60)}.example.org`
  const { deps } = dnsWorld({ [name]: many(64) })
  const { addresses, packet } = await ask(deps, { name, transport: 'tcp' })
  expect({ count: addresses.length, truncated: packet.flag_tc }).toEqual({ count: 64, truncated: false })
})

test('a reason is cut to what fits, between characters', async () => {
  const { deps } = dnsWorld()
  const reason = `x${'ü'.repeat(1000)}`
  const name = `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(60)}`
  const { bytes, extendedError } = await ask(
    { ...deps, decide: () => ({ verdict: 'deny', rule: 0, reason }) },
    { name, opt: {} },
  )
  expect(bytes).toBeLessThanOrEqual(512)
  expect(extendedError?.text).toBe(`x${'ü'.repeat(79)}`)
})

test('another version of EDNS is refused as such', async () => {
  const { deps, lookedUp } = dnsWorld({ [API]: ['5.5.5.1'] })
  expect(await ask(deps, { name: API, opt: { version: 1 } })).toMatchObject({ rcode: 'BADVERS', addresses: [] })
  expect(lookedUp).toEqual([])
})
