// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto'
import { Channel, FLAG_BROKEN, FrameType, INITIAL_CREDIT_BYTES } from '@isola/protocol'
import { describe, expect, test } from 'vitest'
import type { FakeAgent } from '../../test/fake-agent.ts'
import { linkedAgent } from '../../test/linked-agent.ts'
import { settle } from '../../test/manual-clock.ts'
import { readAll } from '../../test/process-spec.ts'
import { operation } from '../../test/test-domain.ts'
import { listAgentFiles, readAgentFile } from './agent-files.ts'
import { uploadFile } from './agent-upload.ts'

const failing = (code: string): unknown => expect.objectContaining({ code }) as unknown
const META = { size: 3, mode: 0o644, mtimeMs: 1 }
const LIST = { path: '/', depth: 1, limit: 10 }
const entry = (name: string): object => ({
  name,
  path: `/${name}`,
  type: 'file',
  size: 1,
  mode: 0o600,
  uid: 0,
  gid: 0,
  mtimeMs: 5,
})

async function* pieces(...parts: Uint8Array[]): AsyncGenerator<Uint8Array, void, undefined> {
  yield* parts
}

describe('reading', () => {
  test('a file comes as it is', async () => {
    const { agent, link } = await linkedAgent()
    const bytes = new Uint8Array(randomBytes(5_000_000))
    agent.operations.set('file.read', (self, id) => {
      self.respond(id, { ...META, size: bytes.length })
      void self
        .stream(id, Channel.output, bytes)
        .then(() => self.send({ type: FrameType.end, id, channel: Channel.output }))
    })
    const download = await readAgentFile(link, { path: '/x' }, operation())
    expect(download.size).toBe(bytes.length)
    expect((await readAll(download.bytes)).equals(bytes)).toBe(true)
    expect(link.frames.openExchanges).toBe(0)
  })

  test('a reader who leaves early cancels the rest', async () => {
    const { agent, link } = await linkedAgent()
    agent.operations.set('file.read', (self, id) => {
      self.respond(id, META)
      void self.stream(id, Channel.output, new Uint8Array(INITIAL_CREDIT_BYTES))
    })
    const { bytes } = await readAgentFile(link, { path: '/x' }, operation())
    for await (const chunk of bytes) if (chunk.length > 0) break
    await settle()
    expect(agent.cancelled.size).toBe(1)
    expect(link.frames.openExchanges).toBe(0)
    await expect(link.call('agent.info', {}, operation())).resolves.toBeDefined()
  })

  test('a stream that breaks off is an error, not an end', async () => {
    const { agent, link } = await linkedAgent()
    agent.operations.set('file.read', (self, id) => {
      self.respond(id, META)
      const payload = new TextEncoder().encode(JSON.stringify({ code: 'file.io', message: 'disk gone' }))
      self.send({ type: FrameType.end, id, channel: Channel.output, flags: FLAG_BROKEN, payload })
    })
    const { bytes } = await readAgentFile(link, { path: '/x' }, operation())
    await expect(readAll(bytes)).rejects.toEqual(failing('file.io'))
  })

  test('a file that is not there', async () => {
    const { agent, link } = await linkedAgent()
    agent.operations.set('file.read', (self, id) => self.fail(id, 'file.not_found', 'read /x: no such file'))
    await expect(readAgentFile(link, { path: '/x' }, operation())).rejects.toEqual(failing('file.not_found'))
  })
})

describe('writing', () => {
  const accept = (agent: FakeAgent): void =>
    void agent.operations.set('file.write', (self, id) => {
      const timer = setInterval(() => {
        const input = self.input.get(id)
        if (input?.ended !== true) return
        clearInterval(timer)
        self.respond(id, { size: Buffer.concat(input.bytes).length })
      }, 1)
    })

  test('a file goes as it is', async () => {
    const { agent, link } = await linkedAgent()
    accept(agent)
    const parts = [new Uint8Array(randomBytes(400_000)), new Uint8Array(0), new Uint8Array(randomBytes(100))]
    expect(await uploadFile(link, { path: '/x' }, pieces(...parts), operation())).toEqual({ size: 400_100 })
    const id = agent.requests[0]?.id as number
    expect(Buffer.concat(agent.input.get(id)?.bytes ?? []).equals(Buffer.concat(parts))).toBe(true)
  })

  test('content that breaks off is cancelled, so that nothing half is left', async () => {
    const { agent, link } = await linkedAgent()
    accept(agent)
    async function* broken(): AsyncGenerator<Uint8Array, void, undefined> {
      yield new Uint8Array(10)
      throw new Error('client went away')
    }
    await expect(uploadFile(link, { path: '/x' }, broken(), operation())).rejects.toThrow('client went away')
    await settle()
    expect(agent.cancelled.size).toBe(1)
    expect([...agent.input.values()].some(({ ended }) => ended)).toBe(false)
  })

  test('a refusal ends the sending at once', async () => {
    const { agent, link } = await linkedAgent()
    agent.operations.set('file.write', (self, id) => self.fail(id, 'file.no_space', 'full'))
    async function* endless(): AsyncGenerator<Uint8Array, void, undefined> {
      for (;;) yield new Uint8Array(100_000)
    }
    await expect(uploadFile(link, { path: '/x' }, endless(), operation())).rejects.toEqual(failing('file.no_space'))
  })
})

describe('listing', () => {
  const send = (agent: FakeAgent, lines: string, cut = lines.length): void =>
    void agent.operations.set('file.list', (self, id) => {
      self.respond(id, {})
      const bytes = new TextEncoder().encode(lines)
      for (let offset = 0; offset < bytes.length; offset += cut) {
        self.send({ type: FrameType.data, id, channel: 1, payload: bytes.subarray(offset, offset + cut) })
      }
      self.send({ type: FrameType.end, id, channel: 1 })
    })

  test.each([1000, 7, 1])('entries come checked, however they are cut (%i)', async (cut) => {
    const { agent, link } = await linkedAgent()
    const lines = `${JSON.stringify(entry('ä'))}\n${JSON.stringify({ ...entry('b'), extra: 1 })}\n{"truncated":true}\n`
    send(agent, lines, cut)
    const read = await readAll(await listAgentFiles(link, LIST, operation()))
    expect(read.toString()).toBe(`${JSON.stringify(entry('ä'))}\n${JSON.stringify(entry('b'))}\n{"truncated":true}\n`)
  })

  test.each([
    ['an entry of the wrong shape', '{"name":"x"}\n'],
    ['a line that is not JSON', 'hello\n'],
    ['a line without an end', '{"truncated":true}'],
    ['a line that never ends', `"${'x'.repeat(100_000)}`],
  ])('%s ends the link', async (_, lines) => {
    const { agent, link } = await linkedAgent()
    send(agent, lines)
    await expect(readAll(await listAgentFiles(link, LIST, operation()))).rejects.toEqual(failing('agent.protocol'))
    expect(link.frames.closedWith?.code).toBe('agent.protocol')
  })
})
