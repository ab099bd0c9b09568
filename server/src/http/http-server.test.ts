// SPDX-License-Identifier: Apache-2.0
import { type IncomingMessage, request } from 'node:http'
import { MAX_JSON_BODY_BYTES } from '@isola/protocol'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { open, readAll, readReply, send, sendRaw } from '../../test/send.ts'
import { TestServer } from '../../test/test-server.ts'

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
