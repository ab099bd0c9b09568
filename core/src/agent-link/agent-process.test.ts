// SPDX-License-Identifier: Apache-2.0
import { createHash, randomBytes } from 'node:crypto'
import { Channel, FrameType, INITIAL_CREDIT_BYTES } from '@isola/protocol'
import { describe, expect, test } from 'vitest'
import type { FakeAgent } from '../../test/fake-agent.ts'
import { linkedAgent } from '../../test/linked-agent.ts'
import { settle } from '../../test/manual-clock.ts'
import { processSpec, readAll } from '../../test/process-spec.ts'
import { operation } from '../../test/test-domain.ts'
import type { LiveProcess } from '../sandbox/sandbox-service.ts'
import { startAgentProcess } from './agent-process.ts'

const failing = (code: string): unknown => expect.objectContaining({ code }) as unknown
const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const text = (value: string): Uint8Array => new TextEncoder().encode(value)

interface Started {
  readonly agent: FakeAgent
  readonly process: LiveProcess
  readonly id: number
  readonly isClosed: () => string | undefined
}

async function started(): Promise<Started> {
  const { agent, link } = await linkedAgent()
  let id = 0
  agent.operations.set('process.start', (self, requestId) => {
    id = requestId
    self.respond(requestId, { pid: 7 })
  })
  const process = await startAgentProcess(link, processSpec({ stdin: true }), operation())
  return { agent, process, id, isClosed: () => link.frames.closedWith?.code }
}

describe('a process', () => {
  test('its output, its end and its exit arrive as they were', async () => {
    const { agent, process, id } = await started()
    expect(process.pid).toBe(7)
    void agent.stream(id, Channel.output, text('out'))
    void agent.stream(id, Channel.error, text('err'))
    agent.exited(id, { exitCode: 3, stdoutBytes: 3 })
    expect((await readAll(process.stdout)).toString()).toBe('out')
    expect((await readAll(process.stderr)).toString()).toBe('err')
    expect(await process.exit).toMatchObject({ exitCode: 3, signal: null, stdoutBytes: 3 })
  })

  test('50 MB of output come out exactly', async () => {
    const { agent, process, id } = await started()
    const bytes = new Uint8Array(randomBytes(50_000_000))
    const sending = agent.stream(id, Channel.output, bytes).then(() => agent.exited(id))
    const hash = createHash('sha256')
    let received = 0
    for await (const chunk of process.stdout) {
      hash.update(chunk)
      received += chunk.length
    }
    await sending
    expect(received).toBe(bytes.length)
    expect(hash.digest('hex')).toBe(digest(bytes))
  })

  test('a hundred thousand one-byte pieces come out exactly too', async () => {
    const { agent, process, id } = await started()
    const bytes = new Uint8Array(randomBytes(100_000))
    for (let at = 0; at < bytes.length; at++) {
      agent.send({ type: FrameType.data, id, channel: Channel.output, payload: bytes.subarray(at, at + 1) })
    }
    agent.exited(id)
    expect(digest(await readAll(process.stdout))).toBe(digest(bytes))
  })

  test('an unread stdout holds up neither stderr nor the requests of others', async () => {
    const { agent, process, id } = await started()
    let sent = false
    void agent.stream(id, Channel.output, new Uint8Array(5 * INITIAL_CREDIT_BYTES)).then(() => {
      sent = true
    })
    void agent
      .stream(id, Channel.error, text('alarm'))
      .then(() => agent.send({ type: FrameType.end, id, channel: Channel.error }))
    expect((await readAll(process.stderr)).toString()).toBe('alarm')
    expect(sent).toBe(false)
  })

  test('a reader who leaves lets the rest pass', async () => {
    const { agent, process, id } = await started()
    const sending = agent
      .stream(id, Channel.output, new Uint8Array(8 * INITIAL_CREDIT_BYTES))
      .then(() => agent.exited(id))
    for await (const chunk of process.stdout) if (chunk.length > 0) break
    await sending
    expect(await process.exit).toMatchObject({ exitCode: 0 })
    expect(agent.cancelled.size).toBe(0)
  })

  test('input stops at the credit and goes on with it', async () => {
    const { agent, process, id } = await started()
    const bytes = new Uint8Array(randomBytes(3 * INITIAL_CREDIT_BYTES))
    const writing = process.writeStdin(bytes)
    await settle()
    const received = (): Buffer => Buffer.concat(agent.input.get(id)?.bytes ?? [])
    expect(received().length).toBe(INITIAL_CREDIT_BYTES)
    const credit = new Uint8Array(4)
    new DataView(credit.buffer).setUint32(0, 2 * INITIAL_CREDIT_BYTES)
    agent.send({ type: FrameType.credit, id, channel: Channel.input, payload: credit })
    await writing
    process.endStdin()
    await settle()
    expect(digest(received())).toBe(digest(bytes))
    expect(agent.input.get(id)?.ended).toBe(true)
  })

  test('writes follow one another even when nobody waits for them', async () => {
    const { agent, process, id } = await started()
    for (const part of ['a', 'b', 'c']) void process.writeStdin(text(part))
    process.endStdin()
    await settle()
    expect(Buffer.concat(agent.input.get(id)?.bytes ?? []).toString()).toBe('abc')
    expect(agent.input.get(id)?.ended).toBe(true)
  })

  test('input that nobody will read any more is let go when the process ends', async () => {
    const { agent, process, id } = await started()
    const writing = process.writeStdin(new Uint8Array(3 * INITIAL_CREDIT_BYTES))
    agent.exited(id)
    await expect(writing).resolves.toBeUndefined()
  })

  test('kill is a cancel frame', async () => {
    const { agent, process, id } = await started()
    process.kill()
    await settle()
    expect(agent.cancelled).toEqual(new Set([id]))
  })

  test('the end of the link fails the exit and breaks off the output behind what has arrived', async () => {
    const { agent, process, id } = await started()
    void agent.stream(id, Channel.output, text('half'))
    await settle()
    agent.close()
    const chunks: string[] = []
    const reading = (async () => {
      for await (const chunk of process.stdout) chunks.push(new TextDecoder().decode(chunk))
    })()
    await expect(reading).rejects.toEqual(failing('sandbox.agent_unreachable'))
    expect(chunks).toEqual(['half'])
    await expect(process.exit).rejects.toEqual(failing('sandbox.agent_unreachable'))
    await expect(process.writeStdin(text('x'))).rejects.toEqual(failing('sandbox.agent_unreachable'))
  })
})

describe('starting', () => {
  test('a whole line given as a program is answered with what to do instead', async () => {
    const { agent, link } = await linkedAgent()
    agent.operations.set('process.start', (self, id) => self.fail(id, 'process.program_not_found', 'not found'))
    const start = (program: string) => startAgentProcess(link, processSpec({ argv: [program] }), operation())
    await expect(start('echo hi')).rejects.toMatchObject({ hint: expect.stringContaining('sh -c') as unknown })
    await expect(start('ecko')).rejects.toMatchObject({ hint: expect.stringContaining('PATH') as unknown })
  })

  test.each(['process.program_not_found', 'process.not_executable', 'process.limit_reached', 'agent.spawner_lost'])(
    'a refusal keeps its reason: %s',
    async (code) => {
      const { agent, link } = await linkedAgent()
      agent.operations.set('process.start', (self, id) => self.fail(id, code, 'no'))
      await expect(startAgentProcess(link, processSpec(), operation())).rejects.toEqual(failing(code))
      expect(link.frames.openExchanges).toBe(0)
    },
  )

  test('a start that nobody waits for any more is killed', async () => {
    const { agent, link } = await linkedAgent()
    agent.operations.set('process.start', () => {})
    const abort = new AbortController()
    const starting = startAgentProcess(link, processSpec(), operation({ signal: abort.signal }))
    await settle()
    abort.abort()
    await expect(starting).rejects.toEqual(failing('request.cancelled'))
    await settle()
    expect(agent.cancelled.size).toBe(1)
  })
})

describe('what breaks the protocol', () => {
  test.each<[string, (agent: FakeAgent, id: number) => void]>([
    [
      'data beyond the credit',
      (agent, id) => {
        for (let sent = 0; sent <= INITIAL_CREDIT_BYTES; sent += 256 * 1024) {
          agent.send({ type: FrameType.data, id, channel: 1, payload: new Uint8Array(256 * 1024) })
        }
      },
    ],
    [
      'data after the end',
      (agent, id) => {
        agent.send({ type: FrameType.end, id, channel: 1 })
        agent.send({ type: FrameType.data, id, channel: 1, payload: text('x') })
      },
    ],
    [
      'data on the input channel',
      (agent, id) => agent.send({ type: FrameType.data, id, channel: 0, payload: text('x') }),
    ],
    ['data on a channel that does not exist', (agent, id) => agent.send({ type: FrameType.data, id, channel: 9 })],
    ['a second response', (agent, id) => agent.respond(id, { pid: 8 })],
    ['an exit that is no exit', (agent, id) => agent.sendJson(FrameType.event, id, { event: 'exited' })],
    ['an exit code out of range', (agent, id) => agent.exited(id, { exitCode: 4711 })],
    ['credit of the wrong size', (agent, id) => agent.send({ type: FrameType.credit, id, payload: new Uint8Array(3) })],
    [
      'boundless credit',
      (agent, id) => {
        for (let grant = 0; grant < 3; grant++)
          agent.send({ type: FrameType.credit, id, payload: new Uint8Array(4).fill(0x7f) })
      },
    ],
    ['a request', (agent, id) => agent.sendJson(FrameType.request, id, { op: 'x' })],
  ])('%s', async (_, misbehave) => {
    const { agent, process, id, isClosed } = await started()
    misbehave(agent, id)
    await expect(process.exit).rejects.toEqual(failing('agent.protocol'))
    expect(isClosed()).toBe('agent.protocol')
  })
})
