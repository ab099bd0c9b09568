// SPDX-License-Identifier: Apache-2.0
import { Channel, encodeFrame, FLAG_BROKEN, FrameType, INITIAL_CREDIT_BYTES, IsolaError } from '@isola/protocol'
import { describe, expect, test } from 'vitest'
import { type Received, settle, StreamClient } from '../../test/stream-client.ts'

const MIB = 1024 * 1024
const isData = ({ type }: Received): boolean => type === FrameType.data
const isExit = ({ type }: Received): boolean => type === FrameType.event
const isBroken = ({ type, flags }: Received): boolean => type === FrameType.end && flags === FLAG_BROKEN
const isResponse =
  (id: number) =>
  (frame: Received): boolean =>
    frame.type === FrameType.response && frame.id === id

test('a process is started, its output follows, its exit comes last', async () => {
  const client = new StreamClient()
  const { process } = client.service
  const response = await client.start({ shell: 'echo', tty: { cols: 80, rows: 24 } })
  expect(response.json).toEqual({ ok: true, processId: 'p1', pid: 42 })
  expect(client.service.started[0]).toMatchObject({ argv: ['/bin/sh', '-c', 'echo'], tty: { cols: 80, rows: 24 } })
  process.stdout.push('out')
  process.stderr.push('err')
  process.end({ exitCode: 3 })
  await client.served
  await settle()
  expect(client.output(Channel.output).toString()).toBe('out')
  expect(client.output(Channel.error).toString()).toBe('err')
  expect(
    client.frames
      .filter(({ type }) => type === FrameType.end)
      .map(({ channel, flags }) => `${channel} ${flags}`)
      .toSorted((left, right) => left.localeCompare(right)),
  ).toEqual(['1 0', '2 0'])
  expect(client.frames.at(-1)?.json).toMatchObject({ event: 'exited', exitCode: 3 })
  expect([client.isEnded, process.kills]).toEqual([true, 0])
})

test('a request that came with the upgrade is served', async () => {
  const head = Buffer.from(
    encodeFrame({ epoch: 1, id: 1, type: FrameType.request, payload: Buffer.from('{"argv":["x"]}') }),
  )
  const client = new StreamClient({}, head)
  await client.next(isResponse(1))
  client.service.process.end()
  await client.served
})

test('a start that fails is answered with the error and the stream ends', async () => {
  const client = new StreamClient()
  client.service.fail = new IsolaError('process.program_not_found', 'no program x')
  const { json } = await client.start()
  expect(json).toMatchObject({ ok: false, error: { code: 'process.program_not_found', retryable: false } })
  await client.served
})

test.each([{}, { argv: ['x'], shell: 'y' }, { argv: ['x'], overflow: 'loud' }, [], null, 7])(
  'the start %j is refused',
  async (request) => {
    const client = new StreamClient()
    expect((await client.start(request as object)).json).toMatchObject({
      ok: false,
      error: { code: 'request.invalid' },
    })
    await client.served
    expect(client.service.started).toEqual([])
  },
)

test('a client that never says what to start is cut off', async () => {
  const client = new StreamClient({ firstFrameMs: 5 })
  expect((await client.next(isResponse(1))).json.error.code).toBe('request.timed_out')
  await client.served
})

describe('output', () => {
  test('stops at the credit of its channel and goes on with more', async () => {
    const client = new StreamClient()
    const { process } = client.service
    await client.start()
    for (let pushed = 0; pushed < 3; pushed++) process.stdout.push(Buffer.alloc(MIB, pushed + 1))
    process.stderr.push('still here')
    await settle()
    expect(client.output(Channel.output).length).toBe(INITIAL_CREDIT_BYTES)
    expect(client.output(Channel.error).toString()).toBe('still here')
    expect(process.stdout.takenBytes).toBeLessThanOrEqual(2 * MIB)
    client.credit(Channel.output, MIB / 2)
    await settle()
    expect(client.output(Channel.output).length).toBe(1.5 * MIB)
    client.credit(Channel.output, 2 * MIB)
    process.end()
    await client.served
    await settle()
    expect(client.output(Channel.output).equals(Buffer.concat([1, 2, 3].map((fill) => Buffer.alloc(MIB, fill))))).toBe(
      true,
    )
  })

  test('waits for a client that does not read its socket, signals do not', async () => {
    const client = new StreamClient()
    const { process } = client.service
    await client.start()
    client.socket.pause()
    for (let pushed = 0; pushed < 64; pushed++) process.stdout.push(Buffer.alloc(256 * 1024))
    await settle()
    expect(process.stdout.takenBytes).toBeLessThanOrEqual(MIB)
    client.sendJson({ op: 'process.signal', signal: 'SIGINT' }, 2)
    await settle()
    expect(client.service.calls).toHaveLength(1)
    client.socket.destroy()
    await process.killed
    await client.served
  })

  test('of a lost sandbox ends broken, with the reason', async () => {
    const client = new StreamClient()
    await client.start()
    client.service.process.break(new IsolaError('sandbox.agent_unreachable', 'the agent went away'))
    expect((await client.next(isBroken)).json).toMatchObject({ code: 'sandbox.agent_unreachable', retryable: true })
    await client.served
  })
})

describe('input', () => {
  test('reaches the process and ends', async () => {
    const client = new StreamClient()
    client.sendJson({ argv: ['cat'], stdin: true })
    client.send({ type: FrameType.data, payload: Buffer.from('early ') })
    await client.next(isResponse(1))
    client.send({ type: FrameType.data, payload: Buffer.from('late') })
    client.send({ type: FrameType.end })
    await settle()
    const { process } = client.service
    expect([process.input, process.stdinEnded]).toEqual(['early late', true])
    process.end()
    await client.served
  })

  test('that the process does not take earns no credit', async () => {
    const client = new StreamClient()
    const { process } = client.service
    const gate = Promise.withResolvers<void>()
    process.stdinGate = gate.promise
    await client.start({ argv: ['x'], stdin: true })
    for (let sent = 0; sent < 4; sent++) client.send({ type: FrameType.data, payload: Buffer.alloc(MIB / 4) })
    await settle()
    expect(client.frames).toEqual([])
    gate.resolve()
    const { bytes } = await client.next(({ type }) => type === FrameType.credit)
    expect(bytes.readUInt32BE()).toBe(MIB / 2)
    process.end()
    await client.served
  })

  test('beyond its credit ends the stream and the process', async () => {
    const client = new StreamClient()
    const { process } = client.service
    process.stdinGate = new Promise(() => {})
    await client.start({ argv: ['x'], stdin: true })
    for (let sent = 0; sent < 5; sent++) client.send({ type: FrameType.data, payload: Buffer.alloc(MIB / 4) })
    expect((await client.next(isBroken)).json.message).toContain('input beyond its credit')
    await process.killed
    await client.served
  })

  test.each([
    ['for a process without input', { argv: ['x'] }, [{ type: FrameType.data, payload: Buffer.from('x') }]],
    [
      'after its end',
      { argv: ['x'], stdin: true },
      [{ type: FrameType.end }, { type: FrameType.data, payload: Buffer.from('x') }],
    ],
    [
      'on an output channel',
      { argv: ['x'], stdin: true },
      [{ type: FrameType.data, channel: 1, payload: Buffer.from('x') }],
    ],
  ])('%s is a breach', async (_what, command, frames) => {
    const client = new StreamClient()
    await client.start(command)
    for (const frame of frames) client.send(frame)
    expect((await client.next(isBroken)).json.code).toBe('request.invalid')
    await client.service.process.killed
    await client.served
  })
})

describe('requests on the side', () => {
  test('signal and resize the process of the stream', async () => {
    const client = new StreamClient()
    await client.start({ argv: ['x'], tty: { cols: 1, rows: 1 } })
    client.sendJson({ op: 'process.signal', signal: 'SIGTERM', target: 'process' }, 2)
    client.sendJson({ op: 'process.resize', cols: 100, rows: 50 }, 3)
    expect((await client.next(isResponse(2))).json).toEqual({ ok: true })
    expect((await client.next(isResponse(3))).json).toEqual({ ok: true })
    expect(client.service.calls.map(({ op, request }) => [op, request])).toEqual([
      ['process.signal', { processId: 'p1', signal: 'SIGTERM', target: 'process' }],
      ['process.resize', { processId: 'p1', cols: 100, rows: 50 }],
    ])
    client.service.process.end()
    await client.served
  })

  test.each([
    [{ op: 'process.signal', signal: 'SIGNOPE' }, 'request.invalid'],
    [{ op: 'process.signal', signal: 'SIGTERM', processId: 'another' }, 'request.invalid'],
    [{ op: 'process.resize', cols: 0, rows: 1 }, 'request.invalid'],
    [{ op: 'file.read', path: '/etc/shadow' }, 'request.unknown_operation'],
    [null, 'request.unknown_operation'],
  ])('%j is refused', async (request, code) => {
    const client = new StreamClient()
    await client.start()
    client.sendJson(request, 2)
    expect((await client.next(isResponse(2))).json.error.code).toBe(code)
    client.service.process.end()
    await client.served
  })

  test('that nobody answers are few', async () => {
    const client = new StreamClient()
    await client.start()
    client.service.call = () => new Promise(() => {})
    for (let id = 2; id < 19; id++) client.sendJson({ op: 'process.signal', signal: 'SIGINT' }, id)
    expect((await client.next(isBroken)).json.message).toContain('too many requests')
    await client.served
  })

  test('ping is answered with its own bytes', async () => {
    const client = new StreamClient()
    client.send({ type: FrameType.ping, id: 0, payload: Buffer.from('12345678') })
    const { bytes } = await client.next(({ type }) => type === FrameType.pong)
    expect(bytes.toString()).toBe('12345678')
    client.socket.destroy()
    await client.served
  })

  test('of a client that does not read the answers end', async () => {
    const client = new StreamClient()
    await client.start()
    client.socket.pause()
    for (let sent = 0; sent < 6; sent++) client.send({ type: FrameType.ping, id: 0, payload: Buffer.alloc(MIB) })
    await client.service.process.killed
    await client.served
  })
})

describe('the end of the connection', () => {
  test.each(['destroy', 'end'] as const)('by %s() kills the process', async (how) => {
    const client = new StreamClient()
    await client.start()
    client.socket[how]()
    await client.service.process.killed
    await client.served
  })

  test('before the start is answered kills what was started meanwhile', async () => {
    const client = new StreamClient()
    const begun = Promise.withResolvers<void>()
    const release = Promise.withResolvers<void>()
    client.service.startProcess = async () => {
      begun.resolve()
      await release.promise
      return client.service.process
    }
    client.sendJson({ argv: ['x'] })
    await begun.promise
    client.socket.destroy()
    await settle()
    release.resolve()
    await client.service.process.killed
    await client.served
  })

  test('by cancel before the start is answered kills what was started meanwhile', async () => {
    const client = new StreamClient()
    const begun = Promise.withResolvers<void>()
    const release = Promise.withResolvers<void>()
    client.service.startProcess = async () => {
      begun.resolve()
      await release.promise
      return client.service.process
    }
    client.sendJson({ argv: ['x'] })
    await begun.promise
    client.send({ type: FrameType.cancel })
    await settle()
    release.resolve()
    expect((await client.next(isResponse(1))).json).toMatchObject({ ok: true })
    expect((await client.next(isExit)).json.signal).toBe('SIGKILL')
    await client.served
  })

  test('by cancel kills the process and tells its exit', async () => {
    const client = new StreamClient()
    await client.start()
    client.send({ type: FrameType.cancel })
    expect((await client.next(isExit)).json.signal).toBe('SIGKILL')
    await client.served
  })

  test('does not wait for a sandbox that answers no more', async () => {
    const client = new StreamClient()
    client.service.process.kill = () => {}
    await client.start({ argv: ['x'], destroySandbox: true })
    client.socket.destroy()
    await client.served
    expect(client.service.destroyed).toEqual([client.sandbox.id])
  })
})

describe('with destroySandbox the sandbox goes', () => {
  test('after the exit was told, before the connection closes', async () => {
    const client = new StreamClient()
    const destroying = Promise.withResolvers<void>()
    client.service.onDestroy = () => destroying.promise
    await client.start({ argv: ['x'], destroySandbox: true })
    client.service.process.end()
    await client.next(isExit)
    await settle()
    expect(client.isEnded).toBe(false)
    destroying.resolve()
    await client.served
    expect(client.service.destroyed).toEqual([client.sandbox.id])
  })

  test.each([
    [
      'the connection is lost',
      (client: StreamClient) =>
        void client.start({ argv: ['x'], destroySandbox: true }).then(() => client.socket.destroy()),
    ],
    ['the start is invalid', (client: StreamClient) => client.sendJson({ destroySandbox: true })],
    [
      'the start fails',
      (client: StreamClient) => {
        client.service.startProcess = async () => {
          throw new IsolaError('process.program_not_found', 'no program x')
        }
        client.sendJson({ argv: ['x'], destroySandbox: true })
      },
    ],
    [
      'the client breaks the protocol',
      (client: StreamClient) =>
        void client.start({ argv: ['x'], destroySandbox: true }).then(() => client.socket.write('nonsense'.repeat(4))),
    ],
  ])('when %s', async (_what, happen) => {
    const client = new StreamClient()
    happen(client)
    await client.served
    expect(client.service.destroyed).toEqual([client.sandbox.id])
  })

  test('and one that is gone already is no complaint', async () => {
    const client = new StreamClient()
    await client.start({ argv: ['x'], destroySandbox: true })
    client.service.records.clear()
    client.service.process.end()
    await client.served
    expect(client.log).toEqual([])
  })
})

describe('breaches', () => {
  test.each([
    ['bytes that are no frame', (client: StreamClient) => client.socket.write(Buffer.alloc(64, 7))],
    [
      'another epoch',
      (client: StreamClient) => client.socket.write(encodeFrame({ epoch: 2, id: 1, type: FrameType.cancel })),
    ],
    ['a second start', (client: StreamClient) => client.sendJson({ argv: ['y'] })],
    ['a response', (client: StreamClient) => client.send({ type: FrameType.response })],
    [
      'credit of 3 bytes',
      (client: StreamClient) => client.send({ type: FrameType.credit, channel: 1, payload: Buffer.alloc(3) }),
    ],
    ['credit for the input', (client: StreamClient) => client.credit(Channel.input, 1)],
    ['endless credit', (client: StreamClient) => [0, 1].forEach(() => client.credit(Channel.output, 0xffffffff))],
    ['data for another id', (client: StreamClient) => client.send({ type: FrameType.data, id: 9 })],
    ['a request with id 0', (client: StreamClient) => client.sendJson({ op: 'process.signal', signal: 'SIGINT' }, 0)],
  ])('%s ends the stream with the reason and the process with it', async (_what, breach) => {
    const client = new StreamClient()
    await client.start({ argv: ['x'], stdin: true })
    breach(client)
    expect((await client.next(isBroken)).json.code).toBe('request.invalid')
    await client.service.process.killed
    await client.served
    expect(client.frames.filter(isData)).toEqual([])
  })
})
