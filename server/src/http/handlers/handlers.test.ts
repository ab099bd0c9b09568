// SPDX-License-Identifier: Apache-2.0
import { AGENT_GENERATION, IsolaError, Sandbox, type SandboxPage } from '@isola/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { parseLines } from '../../../test/loose.ts'
import { send } from '../../../test/send.ts'
import { TestServer } from '../../../test/test-server.ts'

let server: TestServer
beforeEach(async () => {
  server = await TestServer.start()
})
afterEach(() => server[Symbol.asyncDispose]())

describe('sandboxes', () => {
  test('a created sandbox is shown without its key and what its driver knows', async () => {
    const { status, json, text } = await send(server, 'POST', '/v1/sandboxes', {
      body: { name: 'web', labels: { a: 'b' } },
    })
    expect(status).toBe(201)
    expect(Sandbox.parse(json)).toEqual(json)
    expect(json).toMatchObject({ name: 'web', labels: { a: 'b' }, network: 'none', run: { users: 'range' } })
    expect(text).not.toMatch(/5ec2e7|secretDetail/)
  })

  test('the Idempotency-Key reaches the domain', async () => {
    await send(server, 'POST', '/v1/sandboxes', { headers: { 'idempotency-key': 'once' } })
    await send(server, 'POST', '/v1/sandboxes')
    expect(server.service.created.map(({ key }) => key)).toEqual(['once', undefined])
    const { json } = await send(server, 'POST', '/v1/sandboxes', { headers: { 'idempotency-key': 'x'.repeat(129) } })
    expect(json.error.message).toContain('header field idempotency-key')
  })

  test('a client that goes away cancels its create', async () => {
    const cancelled = Promise.withResolvers<void>()
    const reached = Promise.withResolvers<void>()
    server.service.onCreate = (operation) => {
      operation.signal.addEventListener('abort', () => cancelled.resolve())
      reached.resolve()
      return operation.race(new Promise(() => {}))
    }
    const { request } = await import('node:http')
    const outgoing = request({ ...server.target, method: 'POST', path: '/v1/sandboxes' })
    outgoing.on('error', () => {})
    outgoing.end()
    await reached.promise
    outgoing.destroy()
    await cancelled.promise
  })

  test('the generation that is shown is that of the agent, not of the server', async () => {
    server.service.add({ name: 'old', agentGeneration: 7 })
    server.service.add({ name: 'older' })
    expect((await send(server, 'GET', '/v1/sandboxes/old')).json).toMatchObject({ run: { agentGeneration: 7 } })
    expect((await send(server, 'GET', '/v1/sandboxes/older')).json).toMatchObject({
      run: { agentGeneration: AGENT_GENERATION },
    })
  })

  test('a list is paged to its end by its cursor', async () => {
    const ids = Array.from({ length: 5 }, () => server.service.add().id)
    const seen: string[] = []
    let cursor = ''
    do {
      const { json } = await send<SandboxPage>(server, 'GET', `/v1/sandboxes?limit=2${cursor}`)
      seen.push(...json.items.map(({ id }) => id))
      cursor = json.nextCursor === null ? '' : `&cursor=${json.nextCursor}`
    } while (cursor !== '')
    expect(seen).toEqual(ids)
  })

  test('a list is filtered by state, name and labels', async () => {
    const { id } = server.service.add({ name: 'n', labels: { a: '1', b: '=x' } })
    server.service.add({ labels: { a: '1' } })
    const { json } = await send<SandboxPage>(
      server,
      'GET',
      '/v1/sandboxes?label=a%3D1&label=b%3D%3Dx&name=n&state=running',
    )
    expect(json.items.map((sandbox) => sandbox.id)).toEqual([id])
  })

  test.each([
    'cursor=zzzz',
    'cursor=',
    'limit=0',
    'limit=1001',
    'limit=x',
    'state=asleep',
    'label=nokey',
    'label=%3Dx',
    `label=a%3D1${'&label=a%3D1'.repeat(16)}`,
  ])('the query %s is refused', async (query) => {
    const { status, json } = await send(server, 'GET', `/v1/sandboxes?${query}`)
    expect(status).toBe(400)
    expect(json.error.message).toContain(query.split('=')[0])
  })

  test('removing answers when nothing is left, and nothing twice', async () => {
    const { id } = server.service.add({ name: 'gone' })
    const reply = await send(server, 'DELETE', '/v1/sandboxes/gone')
    expect([reply.status, reply.text]).toEqual([204, ''])
    expect(server.service.destroyed).toEqual([id])
    expect((await send(server, 'DELETE', '/v1/sandboxes/gone')).status).toBe(404)
  })
})

describe('processes', () => {
  const path = '/v1/sandboxes/web'
  let sandbox: string
  beforeEach(() => {
    sandbox = server.service.add({ name: 'web' }).id
  })

  test('a buffered run answers with output and every way to end', async () => {
    const { process } = server.service
    process.stdout.push('42\n')
    process.stderr.push(Buffer.from([0xff, 0x00]))
    process.end({ exitCode: 7 })
    const { status, json } = await send(server, 'POST', `${path}/run`, { body: { argv: ['x'], stdin: 'in' } })
    expect(status).toBe(200)
    expect(json).toMatchObject({
      processId: 'p1',
      exitCode: 7,
      signal: null,
      timedOut: false,
      stdout: { text: '42\n' },
      stderr: { text: '', base64: '/wA=' },
    })
    expect(json.event).toBeUndefined()
    expect([process.input, process.stdinEnded]).toEqual(['in', true])
  })

  test('a shell line becomes argv, and limits are set for a buffered answer', async () => {
    server.service.process.end()
    await send(server, 'POST', `${path}/run`, { body: { shell: 'echo hi', env: { A: 'b' }, timeoutMs: 5 } })
    expect(server.service.started[0]).toMatchObject({
      argv: ['/bin/sh', '-c', 'echo hi'],
      env: { A: 'b' },
      timeoutMs: 5,
      stdin: false,
      tty: null,
      overflow: 'block',
      outputLimitBytes: 64 * 1024 * 1024,
    })
  })

  test.each([{}, { argv: [] }, { argv: ['x'], shell: 'x' }, { argv: ['x'], tty: {} }, { argv: ['x'], timeoutMs: 0 }])(
    'the command %o is refused',
    async (body) => {
      expect((await send(server, 'POST', `${path}/run`, { body })).json.error.code).toBe('request.invalid')
    },
  )

  test('a streamed run tells what happens as events', async () => {
    const { process } = server.service
    process.stdout.push(Buffer.from([0xe2, 0x82]))
    process.stdout.push(Buffer.from([0xac, 0x0a]))
    process.stderr.push('oops')
    process.end({ exitCode: 1 })
    const reply = await send(server, 'POST', `${path}/run`, {
      headers: { accept: 'application/x-ndjson' },
      body: { argv: ['x'] },
    })
    const events = parseLines(reply.text)
    expect(reply.headers['content-type']).toBe('application/x-ndjson')
    expect(events[0]).toEqual({ event: 'started', processId: 'p1', pid: 42 })
    expect(events).toContainEqual({ event: 'stdout', text: '€\n' })
    expect(events).toContainEqual({ event: 'stderr', text: 'oops' })
    expect(events.at(-1)).toMatchObject({ event: 'exited', exitCode: 1 })
    expect(server.service.started[0]?.outputLimitBytes).toBeNull()
  })

  test('a sandbox that is lost half-way ends the events with the error', async () => {
    server.service.process.break(new IsolaError('sandbox.agent_unreachable', 'the agent went away'))
    const reply = await send(server, 'POST', `${path}/run`, {
      headers: { accept: 'application/x-ndjson' },
      body: { argv: ['x'] },
    })
    expect(parseLines(reply.text).at(-1)).toMatchObject({
      event: 'error',
      error: { code: 'sandbox.agent_unreachable' },
    })
    const buffered = await send(server, 'POST', `${path}/run`, { body: { argv: ['x'] } })
    expect([buffered.status, buffered.json.error.code]).toEqual([502, 'sandbox.agent_unreachable'])
  })

  test.each(['application/x-ndjson', '*/*'])('a client that goes away kills its run (%s)', async (accept) => {
    const { request } = await import('node:http')
    const outgoing = request({ ...server.target, method: 'POST', path: `${path}/run`, headers: { accept } })
    outgoing.on('error', () => {})
    outgoing.on('response', (response) => response.on('error', () => {}))
    outgoing.end(JSON.stringify({ argv: ['sleep', '1d'] }))
    while (server.service.started.length === 0) await new Promise((resolve) => setImmediate(resolve))
    outgoing.destroy()
    await server.service.process.killed
  })

  test('signals and sizes are checked and passed on', async () => {
    expect((await send(server, 'POST', `${path}/processes/p1/signal`, { body: { signal: 'SIGTERM' } })).status).toBe(
      204,
    )
    expect((await send(server, 'POST', `${path}/processes/p1/resize`, { body: { cols: 80, rows: 24 } })).status).toBe(
      204,
    )
    expect(server.service.calls).toEqual([
      { op: 'process.signal', sandbox, request: { processId: 'p1', signal: 'SIGTERM', target: 'group' } },
      { op: 'process.resize', sandbox, request: { processId: 'p1', cols: 80, rows: 24 } },
    ])
    const { json } = await send(server, 'POST', `${path}/processes/p1/signal`, { body: { signal: 'SIGNOPE' } })
    expect(json.error.message).toContain('SIGNOPE')
    expect((await send(server, 'POST', `${path}/processes/p1/resize`, { body: { cols: 0, rows: 1 } })).status).toBe(400)
  })

  test('processes are listed', async () => {
    server.service.result = { processes: [] }
    expect((await send(server, 'GET', `${path}/processes`)).json).toEqual({ processes: [] })
  })

  test('a stream without an upgrade is explained', async () => {
    const { status, json } = await send(server, 'GET', `${path}/stream`)
    expect(status).toBe(400)
    expect(json.error.hint).toContain('isola-frames/1')
  })
})
