// SPDX-License-Identifier: Apache-2.0
import { FrameType, type IsolaError } from '@isola/protocol'
import { describe, expect, test } from 'vitest'
import { FakeAgent } from '../../test/fake-agent.ts'
import { linkedAgent } from '../../test/linked-agent.ts'
import { settle } from '../../test/manual-clock.ts'
import { memoryChannels } from '../../test/memory-channel.ts'
import { operation } from '../../test/test-domain.ts'
import { testRandom } from '../../test/test-random.ts'
import { openAgentLink } from './agent-link.ts'

const failing = (code: string): unknown => expect.objectContaining({ code }) as unknown

describe('the handshake', () => {
  test('both sides prove the key, and the lower generation is used', async () => {
    const { agent, link } = await linkedAgent()
    await link.call('agent.info', {}, operation())
    expect(agent.isAuthenticated).toBe(true)
    expect(link.generation).toBe(1)
  })

  test('an agent with another key is refused and never asked anything', async () => {
    const [host, inside] = memoryChannels()
    const agent = new FakeAgent(inside, testRandom.bytes(32))
    await expect(openAgentLink(host, testRandom.bytes(32), testRandom, operation())).rejects.toEqual(
      failing('agent.protocol'),
    )
    expect(agent.requests).toEqual([])
    expect(host.isClosed).toBe(true)
  })

  test('an agent that says nothing ends with the deadline of who asked', async () => {
    const [host] = memoryChannels()
    const opening = openAgentLink(host, testRandom.bytes(32), testRandom, operation({ timeoutMs: 20 }))
    await expect(opening).rejects.toEqual(failing('request.timed_out'))
    expect(host.isClosed).toBe(true)
  })

  test.each([
    ['noise', (agent: FakeAgent) => agent.sendRaw(new Uint8Array(64).fill(65))],
    ['a request', (agent: FakeAgent) => agent.sendJson(FrameType.request, 0, { op: 'agent.info' })],
    [
      'a greeting without a proof',
      (agent: FakeAgent) => agent.sendJson(FrameType.hello, 0, { generation: 1, role: 'agent' }),
    ],
    ['a greeting that is a list', (agent: FakeAgent) => agent.sendJson(FrameType.hello, 0, [])],
  ])('%s instead of a greeting is a breach', async (_, misbehave) => {
    const key = testRandom.bytes(32)
    const [host, inside] = memoryChannels()
    new FakeAgent(inside, key).greetBack = misbehave
    const opening = openAgentLink(host, key, testRandom, operation())
    await expect(opening).rejects.toEqual(failing('agent.protocol'))
  })

  test('a second greeting in the middle ends the link', async () => {
    const { agent, link } = await linkedAgent()
    agent.sendJson(FrameType.hello, 0, { generation: 1, role: 'agent' })
    await settle()
    expect(link.frames.closedWith?.code).toBe('agent.protocol')
  })
})

describe('requests', () => {
  test('a failure keeps its code, and its words are made safe for a terminal', async () => {
    const { agent, link } = await linkedAgent()
    agent.operations.set('file.mkdir', (self, id) =>
      self.fail(id, 'file.exists', 'mkdir \u001b[31m/a\nb: exists', { path: '/a\u0007' }),
    )
    const error = await link.call('file.mkdir', { path: '/a' }, operation()).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'file.exists', message: 'mkdir  [31m/a b: exists', context: { path: '/a ' } })
  })

  test('an agent that can take no more says so, and that it may be tried again', async () => {
    const { agent, link } = await linkedAgent()
    agent.operations.set('file.mkdir', (self, id) => self.fail(id, 'limit.exhausted', 'too many at once'))
    const error = await link.call('file.mkdir', { path: '/a' }, operation()).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'limit.exhausted', status: 429, retryable: true })
  })

  test.each([
    ['access.key_invalid', 'file.io'],
    ['server.internal', 'file.io'],
    ['sandbox.name_taken', 'file.io'],
    ['made.up', 'file.io'],
  ])('an agent cannot answer in the name of the server: %s', async (code, expected) => {
    const { agent, link } = await linkedAgent()
    agent.operations.set('file.mkdir', (self, id) => self.fail(id, code, 'no'))
    const error = (await link
      .call('file.mkdir', { path: '/a' }, operation())
      .catch((thrown: unknown) => thrown)) as IsolaError
    expect(error.code).toBe(expected)
    expect(error.context).toMatchObject({ code })
  })

  test('a result of the wrong shape is a breach, and ends everything on the link', async () => {
    const { agent, link } = await linkedAgent()
    agent.operations.set('agent.info', (self, id) => self.respond(id, { version: 7 }))
    agent.operations.set('process.list', () => {})
    const other = link.call('process.list', {}, operation())
    await expect(link.call('agent.info', {}, operation())).rejects.toEqual(failing('agent.protocol'))
    await expect(other).rejects.toEqual(failing('agent.protocol'))
  })

  test('a request larger than a frame is refused before it is sent', async () => {
    const { link, agent } = await linkedAgent()
    const call = async (): Promise<unknown> =>
      link.call('file.move', { from: 'a'.repeat(2 ** 20), to: '/b' }, operation())
    await expect(call()).rejects.toEqual(failing('request.too_large'))
    expect(agent.requests).toEqual([])
  })

  test('a cancelled request is told to the agent, and its late answer disturbs nobody', async () => {
    const { agent, link } = await linkedAgent()
    let answer = (): void => {}
    agent.operations.set('process.list', (self, id) => {
      answer = () => self.respond(id, { processes: [] })
    })
    const abort = new AbortController()
    const call = link.call('process.list', {}, operation({ signal: abort.signal }))
    await settle()
    abort.abort()
    await expect(call).rejects.toEqual(failing('request.cancelled'))
    await settle()
    expect(agent.cancelled.size).toBe(1)
    answer()
    await expect(link.call('agent.info', {}, operation())).resolves.toMatchObject({ generation: 1 })
    expect(link.frames.openExchanges).toBe(0)
  })

  test('many at once find their own answers', async () => {
    const { agent, link } = await linkedAgent()
    agent.operations.set('file.stat', (self, id, { path }) => {
      const entry = { name: 'x', path, type: 'file', size: 1, mode: 0o644, uid: 0, gid: 0, mtimeMs: 0 }
      setTimeout(() => self.respond(id, { entry }), Math.random() * 5)
    })
    const paths = Array.from({ length: 200 }, (_, index) => `/${index}`)
    const stats = await Promise.all(paths.map((path) => link.call('file.stat', { path }, operation())))
    expect(stats.map(({ entry }) => entry.path)).toEqual(paths)
  })

  test('the end of the connection fails what is open and what comes after', async () => {
    const { agent, link } = await linkedAgent()
    agent.operations.set('process.list', (self) => self.close())
    await expect(link.call('process.list', {}, operation())).rejects.toEqual(failing('sandbox.agent_unreachable'))
    const later = async (): Promise<unknown> => link.call('agent.info', {}, operation())
    await expect(later()).rejects.toEqual(failing('sandbox.agent_unreachable'))
  })

  test('a ping is answered', async () => {
    const { link } = await linkedAgent()
    await expect(link.ping(operation())).resolves.toBeUndefined()
  })
})

describe('what an agent may not do', () => {
  test.each([
    ['answer a request that was never made', (agent: FakeAgent) => agent.respond(99, {})],
    ['send data nobody asked for', (agent: FakeAgent) => agent.send({ type: FrameType.data, id: 99, channel: 1 })],
    [
      'speak in another epoch',
      (agent: FakeAgent) => agent.send({ type: FrameType.pong, id: 0, epoch: agent.epoch ^ 1 }),
    ],
    ['send something that is not a frame', (agent: FakeAgent) => agent.sendRaw(new Uint8Array(24).fill(1))],
  ])('%s', async (_, misbehave) => {
    const { agent, link } = await linkedAgent()
    misbehave(agent)
    await settle()
    expect(link.frames.closedWith?.code).toBe('agent.protocol')
  })

  test('pings that are not waited for do not pile up answers', async () => {
    const { agent, link, host } = await linkedAgent()
    host.peer.pause()
    for (let count = 0; count < 40_000; count++) agent.send({ type: FrameType.ping, id: 0, payload: new Uint8Array(8) })
    await settle()
    expect(host.outstandingBytes).toBeLessThan(1024 * 1024 + 64)
    expect(link.frames.closedWith).toBeUndefined()
  })

  test('flood an exchange that was given up: a window is let pass, more is a breach', async () => {
    const { agent, link } = await linkedAgent()
    const abort = new AbortController()
    agent.operations.set('process.list', () => {})
    const call = link.call('process.list', {}, operation({ signal: abort.signal }))
    await settle()
    abort.abort()
    await call.catch(() => {})
    const payload = new Uint8Array(256 * 1024)
    for (let count = 0; count < 8; count++) agent.send({ type: FrameType.data, id: 1, channel: 1, payload })
    await settle()
    expect(link.frames.closedWith).toBeUndefined()
    agent.send({ type: FrameType.data, id: 1, channel: 1, payload })
    await settle()
    expect(link.frames.closedWith?.code).toBe('agent.protocol')
  })
})
