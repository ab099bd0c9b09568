// SPDX-License-Identifier: Apache-2.0
import { type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'
import { encodeFrame, FrameType, MAX_JSON_BODY_BYTES } from '@isola/protocol'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { open, readAll, readReply, send, sendRaw } from '../../test/send.ts'
import { TestServer } from '../../test/test-server.ts'
import { openFilesMax } from './open-files-max.host.ts'

let server: TestServer
beforeEach(async () => {
  server = await TestServer.start()
})
afterEach(() => server[Symbol.asyncDispose]())

test('health and the OpenAPI document are served', async () => {
  expect((await send(server, 'GET', '/v1/health')).json).toEqual({ status: 'ok' })
  expect((await send(server, 'GET', '/v1/openapi.json')).json).toEqual({ openapi: '3.1.1' })
  expect((await send(server, 'GET', '/v1/server')).json).toMatchObject({ version: '1.2.3', apiVersion: 'v1' })
  expect((await send(server, 'GET', '/v1/doctor')).json).toMatchObject({ drivers: [] })
})

test.each(['/', '/v1', '/v1/health/', '/v1/sandboxes/a/b/c', '/v2/health', '/v1/../v1/health', '//v1/health'])(
  'an unknown route %s is a typed 404',
  async (path) => {
    const { status, json } = await send(server, 'GET', path)
    expect(status).toBe(404)
    expect(json.error.code).toBe('route.not_found')
  },
)

test.each(['PATCH', 'PUT', 'OPTIONS', 'TRACE', 'HEAD', 'QUERY'])(
  'the wrong method %s is told with the right ones',
  async (method) => {
    const { status, headers, json } = await send(server, method, '/v1/sandboxes')
    expect(status).toBe(405)
    expect(headers.allow).toBe('GET, POST')
    if (method !== 'HEAD') expect(json.error.code).toBe('route.method_not_allowed')
  },
)

test.each([
  ['{', 'body is not JSON'],
  ['"text"', 'body: '],
  ['{"nmae":"x"}', 'body field nmae'],
  ['{"resources":{"memoryMib":-5}}', 'body field resources.memoryMib'],
  ['{"name":"UPPER"}', 'body field name'],
  ['{"env":{"A":"x\\u0000"}}', 'body field env.A'],
  ['{"template":7}', 'body field template'],
])('the body %s is refused with the field that is wrong', async (body, message) => {
  const { status, json } = await send(server, 'POST', '/v1/sandboxes', { body })
  expect(status).toBe(400)
  expect(json.error.code).toBe('request.invalid')
  expect(json.error.message).toContain(message)
  expect(server.service.created).toEqual([])
})

test('a body that is not UTF-8 is refused', async () => {
  const { json } = await send(server, 'POST', '/v1/sandboxes', { body: Buffer.from([0x22, 0xff, 0x22]) })
  expect(json.error.message).toContain('UTF-8')
})

test('an absent body means all defaults', async () => {
  const { status, json } = await send(server, 'POST', '/v1/sandboxes')
  expect(status).toBe(201)
  expect(json).toMatchObject({ template: 'host', state: 'running' })
})

test('a body that announces too much is refused before it is sent', async () => {
  const answer = await sendRaw(
    server,
    `POST /v1/sandboxes HTTP/1.1\r\nHost: x\r\nContent-Length: ${MAX_JSON_BODY_BYTES + 1}\r\n\r\n`,
  )
  expect(answer).toContain('HTTP/1.1 413')
  expect(answer).toContain('request.too_large')
  expect(answer).toContain('connection: close')
})

test('a body that turns out too large is cut off', async () => {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const outgoing = request({ ...server.target, agent: false, method: 'POST', path: '/v1/sandboxes' })
  outgoing.on('response', resolve).on('error', reject)
  for (let sent = 0; sent <= MAX_JSON_BODY_BYTES; sent += 65536) outgoing.write(Buffer.alloc(65536, 0x20))
  const { status, json } = await readReply(await promise)
  expect(status).toBe(413)
  expect(json.error.code).toBe('request.too_large')
  outgoing.destroy()
})

test('a body that does not come is given up', async () => {
  await using impatient = await TestServer.start({ waits: { jsonBodyMs: 30 } })
  const answer = await sendRaw(impatient, 'POST /v1/sandboxes HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{')
  expect(answer).toContain('request.timed_out')
})

test('a request that is not HTTP gets a typed answer', async () => {
  expect(await sendRaw(server, 'garbage\r\n\r\n')).toContain('request.invalid')
  expect(await sendRaw(server, `GET /v1/health HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(40_000)}\r\n\r\n`)).toContain(
    'request.too_large',
  )
})

test('a fault of our own shows a reference and no stack', async () => {
  server.service.fail = new TypeError('cannot read properties of undefined')
  const { status, text, json } = await send(server, 'GET', '/v1/sandboxes/abc')
  expect(status).toBe(500)
  expect(json.error.code).toBe('server.internal')
  expect(text).not.toContain('undefined')
  expect(text).not.toMatch(/\.ts:\d/)
  expect(server.log.join('')).toContain(json.error.context.reference)
  expect(server.log.join('')).toContain('cannot read properties of undefined')
})

test('what the domain refuses keeps its code, status and hint', async () => {
  const { status, json } = await send(server, 'GET', '/v1/sandboxes/nobody')
  expect(status).toBe(404)
  expect(json.error).toMatchObject({
    code: 'sandbox.not_found',
    retryable: false,
    hint: expect.stringContaining('isola ls'),
  })
})

test('a broken percent-encoding in the path is refused', async () => {
  expect((await send(server, 'GET', '/v1/sandboxes/%E0%A4%A')).json.error.code).toBe('request.invalid')
})

test('an unknown query field is refused by name', async () => {
  const { json } = await send(server, 'GET', '/v1/sandboxes?limt=3')
  expect(json.error.message).toContain('limt')
})

describe('a request on a sandbox', () => {
  test('claims it until its response is over, whatever it asks', async () => {
    const { id } = server.service.add({ name: 'web' })
    const writing = Promise.withResolvers<void>()
    const written = Promise.withResolvers<void>()
    server.service.onWrite = async () => {
      writing.resolve()
      await written.promise
      return { size: 0 }
    }
    const upload = send(server, 'PUT', '/v1/sandboxes/web/files?path=x', { body: 'content' })
    await writing.promise
    expect(server.service.claimed).toEqual([id])
    expect(server.service.claims).toBe(1)
    written.resolve()
    await upload
    await server.activity.quiet(5_000)
    expect(server.service.claims).toBe(0)
  })

  test('claims it also while its body is still coming, and lets go when the client does', async () => {
    server.service.add({ name: 'web' })
    const socket = await open(server)
    socket.write('POST /v1/sandboxes/web/run HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{')
    while (server.service.claims === 0) await new Promise((resolve) => setImmediate(resolve))
    socket.destroy()
    await server.activity.quiet(5_000)
    expect(server.service.claims).toBe(0)
  })

  test('lets go of it also when it fails', async () => {
    server.service.add({ name: 'web' })
    expect((await send(server, 'POST', '/v1/sandboxes/web/run', { body: {} })).status).toBe(400)
    await server.activity.quiet(5_000)
    expect([server.service.claimed.length, server.service.claims]).toEqual([1, 0])
  })
})

describe('a stream on a name', () => {
  test('stays with the sandbox that had the name when it began', async () => {
    const old = server.service.add({ name: 'work' })
    const socket = await open(server)
    socket.write(
      'GET /v1/sandboxes/work/stream HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: isola-frames/1\r\n\r\n',
    )
    await new Promise((resolve) => socket.once('data', resolve))
    server.service.records.delete(old.id)
    const young = server.service.add({ name: 'work' })
    const payload = Buffer.from('{"argv":["x"],"destroySandbox":true}')
    socket.write(encodeFrame({ epoch: 1, id: 1, type: FrameType.request, payload }))
    await new Promise((resolve) => socket.once('data', resolve))
    server.service.process.end()
    await readAll(socket.on('end', () => socket.end()))
    expect(server.service.startedIn).toEqual([old.id])
    expect([server.service.claimed, server.service.destroyed]).toEqual([[old.id], []])
    expect(server.service.records.has(young.id)).toBe(true)
  })
})

describe('a peer that keeps its half of the connection open', () => {
  test.each([
    ['garbage', 'garbage\r\n\r\n', 'request.invalid'],
    [
      'a stream that is refused',
      'GET /v1/sandboxes/nobody/stream HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: isola-frames/1\r\n\r\n',
      'sandbox.not_found',
    ],
  ])('is answered and cut off after a moment: %s', async (_what, bytes, code) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const socket = connect({ path: server.socketPath, allowHalfOpen: true })
    let text = ''
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
    socket.on('error', () => {})
    socket.write(bytes)
    await new Promise((resolve) => socket.once('end', resolve))
    expect(text).toContain(code)
    expect(await connections()).toBe(1)
    await vi.advanceTimersByTimeAsync(5_000)
    vi.useRealTimers()
    while ((await connections()) > 0) await new Promise((resolve) => setImmediate(resolve))
    socket.destroy()
  })

  test('gets its answer also when it goes on sending', async () => {
    const socket = await open(server)
    const answer = readAll(socket)
    socket.write('garbage\r\n\r\n')
    socket.write('more garbage\r\n\r\n'.repeat(10_000))
    expect(await answer).toContain('request.invalid')
  })

  test('cannot take all descriptors: connections are bounded below their number', () => {
    const { maxConnections } = server.http.server
    expect(maxConnections).toBeGreaterThan(100)
    expect(maxConnections).toBeLessThan(openFilesMax() / 2)
  })

  const connections = (): Promise<number> =>
    new Promise((resolve) => server.http.server.getConnections((_error, count) => resolve(count)))
})

test('a server that is stopping takes no new work', async () => {
  server.activity.close()
  const { status, json } = await send(server, 'GET', '/v1/health')
  expect(status).toBe(503)
  expect(json.error).toMatchObject({ code: 'server.closing', retryable: true })
})

test('an offer of another protocol does not get in the way', async () => {
  const headers = { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': 'AAMAAABk' }
  expect((await send(server, 'GET', '/v1/health', { headers })).json).toEqual({ status: 'ok' })
})

test('two requests on one connection are both answered', async () => {
  const socket = await open(server)
  socket.write(
    'GET /v1/health HTTP/1.1\r\nHost: x\r\n\r\nGET /v1/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
  )
  expect((await readAll(socket)).match(/"ok"/g)).toHaveLength(2)
})

test('a connection that sends many requests ahead is ended, and others are served', async () => {
  const flood = connect(server.socketPath)
  const closed = new Promise((resolve) => flood.once('close', resolve))
  flood.on('error', () => {})
  flood.pause()
  flood.write('GET /v1/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(5_000))
  await closed
  expect((await send(server, 'GET', '/v1/health')).status).toBe(200)
})
