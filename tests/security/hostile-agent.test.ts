// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { IsolaError, encodeFrame, type Frame, FrameType, type ProcessSpec } from '@isola/protocol'
import { Operation } from '@isola/core'
import { describe, expect, test } from 'vitest'
import { listAgentFiles } from '../../core/src/agent-link/agent-files.ts'
import { startAgentProcess } from '../../core/src/agent-link/agent-process.ts'
import { FakeAgent, greeted, link } from './fake-agent.ts'

const operation = () => new Operation('test', { timeoutMs: 20_000 })
const SPEC: ProcessSpec = {
  processId: 'p',
  argv: ['true'],
  env: {},
  tty: null,
  stdin: false,
  timeoutMs: null,
  killGraceMs: 0,
  outputLimitBytes: null,
  overflow: 'block',
}
const breach = { code: 'agent.protocol' }
const number = (value: number): Uint8Array => {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, value)
  return bytes
}

describe('an agent in the hands of an attacker: before it is believed', () => {
  const greetings: Record<string, (agent: FakeAgent) => void> = {
    'garbage for a greeting': (agent) => agent.raw(randomBytes(4096)),
    'a header that announces four gigabytes': (agent) => agent.raw(header(agent.epoch, FrameType.hello, 0xffffffff)),
    'a greeting that is not JSON': (agent) => agent.sendJson(FrameType.hello, 0, '{"generation":'),
    'a greeting that is not an object': (agent) => agent.sendJson(FrameType.hello, 0, '[]'),
    'a greeting nested deeper than any stack': (agent) => agent.sendJson(FrameType.hello, 0, '['.repeat(400_000)),
    'a proof under another key': (agent) => agent.greet({}, randomBytes(32)),
    "a proof that is the host's own": (agent) => agent.greet({ proof: '0'.repeat(64) }),
    'a greeting in another epoch': (agent) => {
      agent.epoch ^= 1
      agent.greet()
    },
    'the role of the host': (agent) => agent.greet({ role: 'host' }),
    'a generation below one': (agent) => agent.greet({ generation: 0 }),
    'a response before any greeting': (agent) => agent.sendJson(FrameType.response, 1, { ok: true }),
    'hanging up': (agent) => agent.hangUp(),
  }
  for (const [name, attack] of Object.entries(greetings)) {
    test(`${name}: ends the connection with a typed error`, async () => {
      const agent = new FakeAgent()
      const host = link(agent)
      attack(agent)
      const error = await host.then(
        () => 'believed',
        (reason: unknown) => reason,
      )
      expect(IsolaError.is(error), String(error)).toBe(true)
      expect((error as IsolaError).code).toMatch(/^(agent\.protocol|sandbox\.agent_unreachable)$/)
      if (name !== 'hanging up') expect(agent.isClosed).toBe(true)
    })
  }

  test('a true greeting: is believed, so the others were not refused for nothing', async () => {
    const { host } = await greeted()
    expect(host.generation).toBe(1)
  })
})

describe('an agent in the hands of an attacker: results', () => {
  const answers: Record<string, unknown> = {
    'a result of the wrong shape': { ok: true, version: 1 },
    'a result that is missing': { ok: true },
    'neither success nor failure': { ok: 'maybe' },
    'numbers beyond what is exact': { ok: true, version: 'x', generation: 1e300, personalised: true, processes: 1 },
    'no object': '"ok"',
    'a broken document': '{',
  }
  for (const [name, answer] of Object.entries(answers)) {
    test(`${name}: fails the request`, async () => {
      const { agent, host } = await greeted()
      agent.onRequest((frame) => agent.sendJson(FrameType.response, frame.id, answer))
      await expect(host.call('agent.info', {}, operation())).rejects.toMatchObject(breach)
    })
  }

  test('an error in the name of the server: does not come through as such', async () => {
    for (const code of [
      'access.key_invalid',
      'sandbox.not_found',
      'host.store_corrupt',
      'server.internal',
      '__proto__',
      'x'.repeat(64),
    ]) {
      const { agent, host } = await greeted()
      agent.onRequest((frame) =>
        agent.sendJson(FrameType.response, frame.id, { ok: false, error: { code, message: 'hm' } }),
      )
      const error = await host.call('file.stat', { path: '/x' }, operation()).catch((reason: IsolaError) => reason)
      expect((error as IsolaError).code).toMatch(/^(file|agent)\./)
    }
  })

  test('keys that reach for the prototype: change no object of the server', async () => {
    const { agent, host } = await greeted()
    agent.onRequest((frame) =>
      agent.sendJson(
        FrameType.response,
        frame.id,
        '{"ok":true,"__proto__":{"polluted":1},"version":"1","generation":1,"personalised":true,"processes":0,"constructor":{"prototype":{"polluted":1}}}',
      ),
    )
    await host.call('agent.info', {}, operation()).catch(() => undefined)
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })

  test('an answer to a question that was never asked: ends the connection', async () => {
    const { agent, host } = await greeted()
    agent.sendJson(FrameType.response, 77, { ok: true })
    await expect(host.call('agent.info', {}, operation())).rejects.toMatchObject(breach)
    expect(agent.isClosed).toBe(true)
  })

  test('no answer at all: ends with the deadline of the operation', async () => {
    const { host } = await greeted()
    await expect(host.call('agent.info', {}, new Operation('ask', { timeoutMs: 1 }))).rejects.toMatchObject({
      code: 'request.timed_out',
    })
  })
})

describe('an agent in the hands of an attacker: streams', () => {
  const started = async () => {
    const { agent, host } = await greeted()
    let id = 0
    agent.onRequest((frame) => {
      id = frame.id
      agent.sendJson(FrameType.response, frame.id, { ok: true, pid: 7 })
    })
    const process = await startAgentProcess(host, SPEC, operation())
    process.exit.catch(() => undefined)
    return { agent, host, process, id }
  }

  test('output without end that nobody gave credit for: is cut off while it is small', async () => {
    const { agent, process, id } = await started()
    const chunk = new Uint8Array(256 * 1024)
    let sent = 0
    while (!agent.isClosed && sent < 1024) {
      agent.send({ type: FrameType.data, channel: 1, id, payload: chunk })
      sent += 1
    }
    // The window is four such chunks; the one after it is the breach.
    expect(sent).toBeLessThanOrEqual(5)
    await expect(process.exit).rejects.toMatchObject(breach)
  })

  test('empty frames without end: are no output', async () => {
    const { agent, process, id } = await started()
    const before = globalThis.process.memoryUsage().heapUsed
    for (let sent = 0; sent < 200_000 && !agent.isClosed; sent += 1)
      agent.send({ type: FrameType.data, channel: 1, id })
    expect(globalThis.process.memoryUsage().heapUsed - before).toBeLessThan(64 * 1024 * 1024)
    agent.hangUp()
    await expect(process.exit).rejects.toBeInstanceOf(IsolaError)
  })

  test('output on a channel that does not exist: ends the connection', async () => {
    const { agent, process, id } = await started()
    agent.send({ type: FrameType.data, channel: 9, id, payload: number(1) })
    await expect(process.exit).rejects.toMatchObject(breach)
  })

  test('credit that overflows every counter: does not break the sender', async () => {
    const { agent, process, id } = await started()
    for (let sent = 0; sent < 1000 && !agent.isClosed; sent += 1)
      agent.send({ type: FrameType.credit, channel: 0, id, payload: number(0xffffffff) })
    agent.send({ type: FrameType.credit, channel: 0, id, payload: new Uint8Array(3) })
    await expect(process.exit).rejects.toMatchObject(breach)
  })

  test('an end with numbers that cannot be: fails the process', async () => {
    for (const lie of [
      { exitCode: 256 },
      { exitCode: -1 },
      { exitCode: '0' },
      { durationMs: -1 },
      { signal: 'x'.repeat(100) },
      { stdoutBytes: 2 ** 60 },
    ]) {
      const { agent, process, id } = await started()
      agent.sendJson(FrameType.event, id, {
        event: 'exited',
        exitCode: 0,
        signal: null,
        timedOut: false,
        oomKilled: false,
        outputCapped: false,
        durationMs: 1,
        stdoutBytes: 0,
        stderrBytes: 0,
        droppedBytes: 0,
        ...lie,
      })
      await expect(process.exit, JSON.stringify(lie)).rejects.toMatchObject(breach)
    }
  })

  test('a list of files with a line that is no entry, too long or never ends: ends the list', async () => {
    for (const lie of ['{"name":1}\n', `{"name":"${'x'.repeat(200_000)}"}\n`, 'x'.repeat(300_000), '[]\n', 'null\n']) {
      const { agent, host } = await greeted()
      agent.onRequest((frame) => {
        agent.sendJson(FrameType.response, frame.id, { ok: true })
        const bytes = Buffer.from(lie)
        for (let at = 0; at < bytes.length && !agent.isClosed; at += 65_536)
          agent.send({ type: FrameType.data, channel: 1, id: frame.id, payload: bytes.subarray(at, at + 65_536) })
        agent.send({ type: FrameType.end, channel: 1, id: frame.id })
      })
      const lines = await listAgentFiles(host, { path: '/', depth: 1, limit: 10 }, operation())
      await expect(
        (async () => {
          for await (const line of lines) expect(line.length).toBeGreaterThan(0)
        })(),
      ).rejects.toMatchObject(breach)
    }
  })
})

test('ten thousand random and malformed frames of an agent: every one ends in a typed error or in nothing', async () => {
  const random = generator(Number(process.env['ISOLA_TEST_SEED'] ?? Date.now()))
  const seed = random.seed
  let closed = 0
  for (let sent = 0; sent < 10_000; ) {
    const { agent, host } = await greeted()
    const asked: Promise<unknown>[] = [
      host.call('agent.info', {}, operation()),
      host.call('process.list', {}, operation()),
      startAgentProcess(host, SPEC, operation()).then((process) => process.exit),
    ].map((promise) =>
      promise.catch((error: unknown) => expect(IsolaError.is(error), `seed ${seed}: ${String(error)}`).toBe(true)),
    )
    for (let round = 0; round < 200 && !agent.isClosed; round += 1, sent += 1) agent.raw(mutated(random, agent))
    closed += agent.isClosed ? 1 : 0
    agent.hangUp()
    await Promise.all(asked)
  }
  expect(closed, `seed ${seed}`).toBeGreaterThan(0)
})

/** A frame that is valid in most ways, with something wrong in it. */
function mutated(random: ReturnType<typeof generator>, agent: FakeAgent): Uint8Array {
  const documents = [
    '{}',
    '[]',
    'null',
    '{"ok":true}',
    '{"ok":true,"pid":1}',
    '{"ok":false,"error":{"code":"file.io","message":"x"}}',
    '{"event":"exited"}',
    '{"ok":true,"processes":[]}',
    '"',
    '{"ok":true,"pid":-1}',
  ]
  const payload =
    random.below(3) === 0
      ? randomBytes(random.below(2048))
      : Buffer.from(documents[random.below(documents.length)] as string)
  const frame: Frame = {
    epoch: random.below(50) === 0 ? random.below(2 ** 32) : agent.epoch,
    type: (1 + random.below(11)) as FrameType,
    channel: random.below(4),
    flags: random.below(3),
    id: random.below(6),
    payload,
  }
  const bytes = encodeFrame(frame)
  if (random.below(60) === 0) {
    const at = random.below(bytes.length)
    bytes[at] = (bytes[at] ?? 0) ^ (1 + random.below(255))
  }
  return bytes
}

/** Pseudo-random numbers that a seed repeats. */
function generator(seed: number): { seed: number; below: (limit: number) => number } {
  let state = seed >>> 0
  return {
    seed,
    below(limit) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0
      return Math.floor((state / 2 ** 32) * limit)
    },
  }
}

function header(epoch: number, type: FrameType, length: number): Uint8Array {
  const bytes = encodeFrame({ epoch, type, id: 0 })
  new DataView(bytes.buffer).setUint32(16, length)
  // A checksum that fits, so that it is the length that is refused.
  new DataView(bytes.buffer).setUint32(20, crc32(bytes.subarray(0, 20)))
  return bytes
}
