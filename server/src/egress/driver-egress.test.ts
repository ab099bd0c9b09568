// SPDX-License-Identifier: Apache-2.0
import { Operation } from '@isola/core'
import { NetworkPolicy } from '@isola/protocol'
import { decode, encode } from 'dns-packet'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { FakeRelay } from '../../test/fake-relay.ts'
import { DriverEgress } from './driver-egress.ts'
import type { HttpProxy } from './http-proxy.host.ts'
import { NetworkLog } from './network-log.ts'

const ID = 'sb000000000000000001'
const NAME = 'api.example.com'
const ADDRESS = '93.184.215.14'
const operation = () => new Operation('test', { timeoutMs: 5_000 })
const policy = (...rules: NetworkPolicy['rules']) => NetworkPolicy.parse({ rules })
const allowName = policy({ action: 'allow', domain: NAME })

let relay: FakeRelay
let egress: DriverEgress
let log: NetworkLog
let looked: string[]
let connection = 0

beforeEach(() => {
  relay = new FakeRelay()
  log = new NetworkLog()
  looked = []
  egress = new DriverEgress(relay, {
    log,
    lookup: {
      lookup: async (name, family) => {
        looked.push(name)
        return { addresses: family === 4 ? [ADDRESS] : [], ttlMs: 60_000 }
      },
    },
    journal: { info: () => {}, warn: () => {} },
    presetHosts: () => new Map(),
    hostAddresses: () => new Set(['192.168.1.2']),
    nowMs: () => 0,
    operation,
  })
  egress.useProxy({ socketPath: '/s/egress.sock', expect: () => 'token' } as unknown as HttpProxy)
})

function connect(address = ADDRESS, port = 443): number {
  connection += 1
  relay.tell({ event: 'connection', connection, sandboxId: ID, address, port })
  return connection
}

function say(number: number, bytes: string | Uint8Array, complete = false): void {
  const bytesHex = Buffer.from(bytes as string, 'latin1').toString('hex')
  relay.tell({ event: 'first-bytes', connection: number, bytesHex, complete })
}

async function ask(name: string): Promise<ReturnType<typeof decode>> {
  const before = relay.answers.length
  const message = encode({ type: 'query', id: 7, flags: 0x100, questions: [{ type: 'A', name }] })
  relay.tell({ event: 'dns', query: 1, sandboxId: ID, stream: false, messageHex: message.toString('hex') })
  await vi.waitFor(() => expect(relay.answers.length).toBe(before + 1))
  return decode(Buffer.from(relay.answers.at(-1)?.message ?? []))
}

describe('what leaves a sandbox', () => {
  it('is nothing while the sandbox is not known', () => {
    connect()
    expect(relay.last).toMatchObject({ action: 'deny' })
  })

  it('may go to an address that a rule names, without a look at its bytes', async () => {
    await egress.apply(ID, policy({ action: 'allow', cidr: '10.0.0.0/8', ports: ['5432'] }), operation())
    connect('10.1.2.3', 5432)
    expect(relay.last).toMatchObject({ action: 'tunnel', address: '10.1.2.3', port: 5432, guarded: false })
    connect('10.1.2.3', 22)
    expect(relay.last).toMatchObject({ action: 'deny' })
  })

  it('is judged by its name, which has to be looked up first', async () => {
    await egress.apply(ID, allowName, operation())
    connect()
    expect(relay.last).toMatchObject({ action: 'deny' })
    await ask(NAME)
    const number = connect()
    expect(relay.last).toMatchObject({ action: 'wait', haveBytes: 0 })
    say(number, 'SSH-2.0-client\r\n')
    expect(relay.last).toMatchObject({ action: 'tunnel', address: ADDRESS })
  })

  it('may be silent where the other side speaks first, and is judged when it speaks', async () => {
    await egress.apply(ID, allowName, operation())
    await ask(NAME)
    const number = connect(ADDRESS, 22)
    say(number, '', true)
    expect(relay.last).toMatchObject({ action: 'tunnel', guarded: true })
    say(number, 'SSH-2.0-client\r\n')
    expect(relay.last).toMatchObject({ action: 'tunnel', guarded: false })
    const other = connect(ADDRESS, 8888)
    say(other, '', true)
    say(other, 'GET / HTTP/1.1\r\n')
    expect(relay.last).toMatchObject({ action: 'local' })
  })

  it('that would be denied in silence gets the time to say its name', async () => {
    await egress.apply(ID, policy({ action: 'allow', domain: '*.example.com' }), operation())
    await ask('other.example.com')
    await ask(NAME)
    await egress.apply(ID, allowName, operation())
    const number = connect()
    say(number, '', true)
    expect(relay.last).toMatchObject({ action: 'wait', waitMs: 15_000 })
    say(number, '', true)
    expect(relay.last).toMatchObject({ action: 'deny' })
  })

  it('is told why it is denied where it can be told, in HTTP', async () => {
    await egress.apply(ID, allowName, operation())
    const number = connect('169.254.169.254', 80)
    expect(relay.last).toMatchObject({ action: 'wait' })
    say(number, 'GET /latest/meta-data HTTP/1.1\r\n')
    expect(relay.last).toMatchObject({ action: 'local' })
    const held = { sandboxId: ID, connection: number, address: '169.254.169.254', port: 80 }
    expect(egress.decideRequest(held, '169.254.169.254').verdict).toBe('deny')
    say(connect('169.254.169.254', 80), 'SSH-2.0-client\r\n')
    expect(relay.last).toMatchObject({ action: 'deny' })
  })

  it('of HTTP is cut when the policy does not allow the host of its last request any more', async () => {
    await egress.apply(ID, allowName, operation())
    await ask(NAME)
    const number = connect(ADDRESS, 80)
    say(number, 'GET / HTTP/1.1\r\n')
    egress.decideRequest({ sandboxId: ID, connection: number, address: ADDRESS, port: 80 }, NAME)
    await egress.apply(ID, policy({ action: 'allow', domain: 'other.example.com' }), operation())
    expect(relay.cuts).toEqual([{ sandboxId: ID, connections: [number] }])
  })

  it('goes through the proxy when it is HTTP', async () => {
    await egress.apply(ID, allowName, operation())
    await ask(NAME)
    say(connect(ADDRESS, 80), 'GET / HTTP/1.1\r\n')
    expect(relay.last).toMatchObject({ action: 'local', socketPath: '/s/egress.sock', preface: 'token' })
    const held = { sandboxId: ID, connection: 1, address: ADDRESS, port: 80 }
    expect(egress.decideRequest(held, NAME).verdict).toBe('allow')
    expect(egress.decideRequest(held, 'evil.example.org').verdict).toBe('deny')
  })

  it('asks for no name that is not allowed', async () => {
    await egress.apply(ID, allowName, operation())
    expect(await ask('secret-data.evil.example.org')).toMatchObject({ rcode: 'REFUSED' })
    expect(looked).toEqual([])
    expect(await ask(NAME)).toMatchObject({ answers: [{ data: ADDRESS }] })
    expect(log.read(ID)).toMatchObject([
      { kind: 'name', verdict: 'deny', host: 'secret-data.evil.example.org' },
      { kind: 'name', verdict: 'allow', host: NAME },
    ])
  })

  it('is answered by our resolver whatever server a program asks by TCP', async () => {
    await egress.apply(ID, allowName, operation())
    connect('8.8.8.8', 53)
    expect(relay.last).toMatchObject({ action: 'dns' })
  })

  it('is cut when a new policy does not allow it any more', async () => {
    await egress.apply(ID, policy({ action: 'allow', cidr: '10.0.0.0/8' }), operation())
    const number = connect('10.0.0.1', 5432)
    await egress.apply(ID, policy({ action: 'allow', cidr: '10.0.0.0/16' }), operation())
    expect(relay.cuts).toEqual([])
    await egress.apply(ID, 'none', operation())
    expect(relay.cuts).toEqual([{ sandboxId: ID, connections: [number] }])
    connect('10.0.0.1', 5432)
    expect(relay.last).toMatchObject({ action: 'deny' })
  })

  it('keeps its policy when the relay is lost, and is opened again', async () => {
    await egress.apply(ID, allowName, operation())
    relay.lose()
    expect(relay.opened).toHaveLength(2)
    connect()
    expect(relay.last).toMatchObject({ action: 'deny' })
  })

  it('is forgotten with a sandbox whose network could not be opened', async () => {
    relay.fail = new Error('no relay')
    await expect(egress.apply(ID, allowName, operation())).rejects.toThrow('no relay')
    expect(egress.isOpen(ID)).toBe(false)
  })

  it('leaves evidence: what was denied, what was allowed, and how much went', async () => {
    await egress.apply(ID, policy({ action: 'allow', cidr: '10.0.0.1' }), operation())
    const number = connect('10.0.0.1', 22)
    relay.tell({ event: 'ended', connection: number, bytesUp: 5, bytesDown: 6, over: 'closed', detail: '' })
    connect('10.0.0.2', 22)
    relay.tell({ event: 'refused', sandboxId: ID, address: '10.0.0.1', port: 22 })
    expect(log.read(ID)).toMatchObject([
      { kind: 'connection', verdict: 'allow', address: '10.0.0.1', rule: 0 },
      { kind: 'end', bytesUp: 5, bytesDown: 6 },
      { kind: 'connection', verdict: 'deny', address: '10.0.0.2', reason: 'no rule allows it' },
      { kind: 'connection', verdict: 'deny', reason: 'more than 256 connections at the same time' },
    ])
  })
})
