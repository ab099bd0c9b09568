// SPDX-License-Identifier: Apache-2.0
import { encode } from 'dns-packet'
import { expect, test } from 'vitest'
import { seededRandom } from '../../../core/test/seeded-random.ts'
import { ALLOWED, ask, dnsWorld, heard, question } from '../../test/ask-dns.ts'
import { answerQuestion } from './dns-question.ts'

const API = 'api.example.org'

/** The answer's code to raw bytes, and what was looked up for it. */
async function attack(message: Uint8Array) {
  const { deps, lookedUp, pinned, told } = dnsWorld({ [API]: ['5.5.5.1'] })
  const answer = await answerQuestion(message, 'udp', { ...deps, decide: () => ALLOWED })
  return { rcode: answer && heard(answer).rcode, answer, lookedUp, pinned, told }
}

const withByte = (message: Buffer, offset: number, value: number): Buffer => {
  const changed = Buffer.from(message)
  changed[offset] = value
  return changed
}

test('tunnelling: data in a name that is not allowed never leaves', async () => {
  const { deps, lookedUp } = dnsWorld()
  for (const type of ['A', 'AAAA', 'TXT', 'NULL', 'CNAME', 'MX'])
    expect(await ask(deps, { name: `${'5ec7e7'.repeat(10)}.tunnel.example.com`, type })).toMatchObject({
      rcode: 'REFUSED',
    })
  expect(lookedUp).toEqual([])
})

test('tunnelling: TXT and NULL of an allowed name bring nothing in and send nothing out', async () => {
  const { deps, lookedUp } = dnsWorld()
  for (const type of ['TXT', 'NULL'])
    expect(await ask(deps, { name: `5ec7e7.${API}`, type })).toMatchObject({ rcode: 'NOERROR', addresses: [] })
  expect(lookedUp).toEqual([])
})

test('rebinding: private addresses are left out of an answer', async () => {
  const { deps, pinned } = dnsWorld({ [API]: ['10.0.0.1', '5.5.5.1', '169.254.169.254', '127.0.0.1'] })
  expect(await ask(deps, { name: API })).toMatchObject({ addresses: ['5.5.5.1'] })
  expect(pinned).toMatchObject([{ addresses: 1 }])
})

test.each([
  ['A', ['10.0.0.1', '127.0.0.1', '0.0.0.0']],
  ['AAAA', ['::1', 'fd00::1', 'fe80::1', '64:ff9b::a00:1']],
])('rebinding: a name with only private addresses (%s) is refused, and says so', async (type, addresses) => {
  const { deps, pinned, told } = dnsWorld({ [API]: addresses })
  const reason = 'it has only private addresses'
  expect(await ask(deps, { name: API, type, opt: {} })).toMatchObject({
    rcode: 'REFUSED',
    extendedError: { code: 15, text: reason },
  })
  expect(pinned).toEqual([])
  expect(told[0]).toMatchObject({ verdict: { verdict: 'deny', rule: null, reason }, outcome: 'refused' })
})

test('a private address is answered when the caller says a rule allows it', async () => {
  const { deps } = dnsWorld({ [API]: ['10.0.0.1', '10.0.0.2'] })
  const mayAnswer = (_name: string, address: { value: bigint }) => address.value === 0x0a_00_00_02n
  expect(await ask({ ...deps, mayAnswer }, { name: API })).toMatchObject({ addresses: ['10.0.0.2'] })
})

test('loops: a response is not answered, nor is less than a header', async () => {
  const response = encode({ type: 'response', id: 1, questions: [{ name: API, type: 'A' }] })
  expect(await attack(response)).toMatchObject({ answer: undefined, lookedUp: [] })
  for (let length = 0; length < 12; length++)
    expect((await attack(question({ name: API }).subarray(0, length))).answer).toBeUndefined()
})

test('our own answers are not answered', async () => {
  const { answer } = await attack(question({ name: API }))
  expect((await attack(answer ?? new Uint8Array())).answer).toBeUndefined()
})

test.each([
  ['to itself', [0xc0, 12]],
  ['forward', [0xc0, 14]],
  ['into the header', [0xc0, 0]],
  ['to itself after a label', [1, 0x61, 0xc0, 12]],
  ['of the reserved kinds', [0x80, 12]],
])('a compression pointer %s in the name ends in a format error', async (_, name) => {
  const header = question({ name: API }).subarray(0, 12)
  const message = Buffer.concat([header, Buffer.from([...name, 0, 0, 1, 0, 1])])
  expect(await attack(message)).toMatchObject({ rcode: 'FORMERR', lookedUp: [] })
})

test('a compression loop in an additional record ends in a format error', async () => {
  const message = withByte(question({ name: API }), 11, 1)
  const looping = Buffer.concat([message, Buffer.from([0xc0, message.length, 0, 41, 0, 0, 0, 0, 0, 0, 0, 0])])
  expect(await attack(looping)).toMatchObject({ rcode: 'FORMERR', lookedUp: [] })
})

test('two questions, none, and a question that brings answers are format errors', async () => {
  const two = encode({ questions: [API, 'other.example.org'].map((name) => ({ name, type: 'A' })) })
  const none = encode({ questions: [] })
  const withAnswer = encode({
    questions: [{ name: API, type: 'A' }],
    answers: [{ name: API, type: 'A', data: '5.5.5.5', ttl: 9 }],
  })
  for (const message of [two, none, withAnswer])
    expect(await attack(message)).toMatchObject({ rcode: 'FORMERR', lookedUp: [], pinned: [] })
})

test('a header that promises 65,535 records reserves nothing for them', async () => {
  for (const offset of [4, 6, 8, 10]) {
    const message = withByte(withByte(question({ name: API }), offset, 0xff), offset + 1, 0xff)
    expect(await attack(message)).toMatchObject({ rcode: 'FORMERR', lookedUp: [] })
  }
})

test.each([1, 2, 4, 5, 15])('operation %d is not implemented', async (opcode) => {
  const message = withByte(question({ name: API }), 2, (opcode << 3) | 1)
  expect(await attack(message)).toMatchObject({ rcode: 'NOTIMP', lookedUp: [] })
})

test.each([3, 4, 254, 255])('class %d is not implemented', async (networkClass) => {
  const message = question({ name: API })
  expect(await attack(withByte(message, message.length - 1, networkClass))).toMatchObject({
    rcode: 'NOTIMP',
    lookedUp: [],
  })
})

test.each([
  ['a dot within a label, which reads like another name', Buffer.from('api.example')],
  ['a zero byte', Buffer.from('api\0x')],
  ['a line break', Buffer.from('api\nx')],
  ['letters outside ASCII', Buffer.from('äpi')],
  ['bytes that are no text', Buffer.from([0xff, 0xfe, 0x80])],
  ['the Kelvin sign, which some lower to a k', Buffer.from('\u212aapi')],
  ['a space', Buffer.from('a pi')],
])('a name with %s is refused without being asked about', async (_, label) => {
  const header = question({ name: API }).subarray(0, 12)
  const name = Buffer.concat([
    Buffer.from([label.length]),
    label,
    Buffer.from([3]),
    Buffer.from('org'),
    Buffer.alloc(1),
  ])
  const { rcode, lookedUp, told } = await attack(Buffer.concat([header, name, Buffer.from([0, 1, 0, 1])]))
  expect({ rcode, lookedUp }).toEqual({ rcode: 'REFUSED', lookedUp: [] })
  expect(told[0]?.name).toMatch(/^[\w.?-]+$/)
})

test.each(['10.0.0.1', '1.2.3', '0x7f.1', '2130706433'])('%s is no name to look up', async (name) => {
  expect(await attack(question({ name }))).toMatchObject({ rcode: 'REFUSED', lookedUp: [] })
})

test('a name of 253 characters is asked for, one that is longer is not', async () => {
  const longest = `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(61)}`
  expect((await attack(question({ name: longest }))).lookedUp).toEqual([`${longest} 4`])
  for (const name of [`${longest}d`, `${longest}.e`, `${longest}.${longest}`])
    expect((await attack(question({ name }))).lookedUp).toEqual([])
})

test('oversize: a message of 64 kB is a format error', async () => {
  const message = Buffer.concat([question({ name: API }), Buffer.alloc(65_000)])
  expect(await attack(message)).toMatchObject({ rcode: 'FORMERR', lookedUp: [] })
})

test('two OPT records, or one with a name, are format errors', async () => {
  const opt = { type: 'OPT' as const, name: '.', udpPayloadSize: 1232, options: [] } as any
  const two = encode({ questions: [{ name: API, type: 'A' }], additionals: [opt, opt] })
  const named = Buffer.concat([
    withByte(question({ name: API }), 11, 1),
    Buffer.from([1, 0x61]),
    encode({
      additionals: [opt],
    }).subarray(12),
  ])
  for (const message of [two, named]) expect(await attack(message)).toMatchObject({ rcode: 'FORMERR', lookedUp: [] })
})

test('whatever breaks behind it, a question is answered with a failure', async () => {
  const broken = (): never => {
    throw new Error('broken')
  }
  const { deps } = dnsWorld({ [API]: ['5.5.5.1'] })
  for (const part of ['decide', 'mayAnswer', 'pin', 'told'] as const)
    expect(await ask({ ...deps, [part]: broken }, { name: API })).toMatchObject({ rcode: 'SERVFAIL' })
})

test('ten thousand damaged messages never throw, and never cause a lookup of a name that is denied', async () => {
  const random = seededRandom(20_260_101)
  const seeds = [
    question({ name: API, opt: {} }),
    question({ name: 'www.example.com', type: 'AAAA', opt: { payload: 4096 } }),
    question({ name: 'a.b.c.d.e.f.example.org', type: 'TXT' }),
    encode({ questions: [{ name: API, type: 'A' }], additionals: [{ type: 'TXT', name: API, data: 'x' }] }),
  ]
  let lookups = 0
  for (let round = 0; round < 10_000; round++) {
    let message = Buffer.from(seeds[random(seeds.length)] ?? [])
    for (let change = random(6); change >= 0; change--) message[random(message.length)] = random(256)
    if (random(4) === 0) message = message.subarray(0, random(message.length + 1))
    if (random(8) === 0) message = Buffer.from(Array.from({ length: random(200) }, () => random(256)))
    const { deps, lookedUp, told } = dnsWorld({ [API]: ['5.5.5.1', '10.0.0.1'] })
    const answer = await answerQuestion(message, random(2) === 0 ? 'udp' : 'tcp', deps)
    lookups += lookedUp.length
    for (const asked of lookedUp) expect(asked).toMatch(/^([a-z0-9_-]+\.)*example\.org [46]$/)
    for (const { name } of told) expect(name).toMatch(/^[\w.?-]+$/)
    if (answer === undefined) continue
    expect(Buffer.from(answer).readUInt16BE(0)).toBe(message.readUInt16BE(0))
    expect(heard(answer).packet.flag_qr).toBe(true)
    expect(answer.length).toBeLessThanOrEqual(1232)
  }
  expect(lookups).toBeGreaterThan(100)
})
