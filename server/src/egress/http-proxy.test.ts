// SPDX-License-Identifier: Apache-2.0
import { statSync, writeFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { HttpProxy } from './http-proxy.host.ts'
import { readToClose, readUntil, TestRelay, until } from '../../test/http-test-relay.ts'

let relay: TestRelay
beforeEach(async () => {
  relay = await TestRelay.start()
})
afterEach(async () => {
  await relay[Symbol.asyncDispose]()
  expect(relay.log).toEqual([])
})

const GET = 'GET / HTTP/1.1\r\nHost: a.example\r\n\r\n'
const LAST = 'GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n'
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

test('the socket is ours alone and an old file in its place is replaced', async () => {
  expect(statSync(relay.socketPath).mode & 0o777).toBe(0o600)
  const socketPath = `${relay.directory}/old`
  writeFileSync(socketPath, 'old')
  const journal = { info() {}, warn() {} }
  const decide = () => ({ verdict: 'deny', rule: null, reason: '' }) as const
  await using proxy = await HttpProxy.listen({ journal, socketPath, decide, told() {} })
  expect(statSync(proxy.socketPath).isSocket()).toBe(true)
})

test('a head arrives upstream with its casing, order and duplicates, without the hop-by-hop fields', async () => {
  const { port, received } = await relay.raw(OK)
  await relay.send(
    port,
    [
      'GET /a?b=c%20d HTTP/1.1',
      'X-One: 1',
      'hOsT: A.example:81',
      'x-ONE: 2',
      'Connection: close, X-Secret',
      'X-Secret: s',
      'Keep-Alive: timeout=9',
      'Proxy-Authorization: p',
      'TE: gzip, trailers',
      'Cookie: a=\xe9',
      '\r\n',
    ].join('\r\n'),
  )
  expect(received).toEqual([
    'GET /a?b=c%20d HTTP/1.1\r\nX-One: 1\r\nhOsT: A.example:81\r\nx-ONE: 2\r\nCookie: a=\xe9\r\n' +
      'Connection: close, TE\r\nTE: trailers\r\n\r\n',
  ])
  expect(relay.asked).toEqual(['A.example'])
})

test('an answer arrives as it was sent, nothing of ours in it but the connection', async () => {
  const { port } = await relay.raw(
    'HTTP/1.1 299 My Way\r\nSet-Cookie: a\r\nset-cookie: b\r\nServer: them\r\nContent-Length: 3\r\nKeep-Alive: timeout=3\r\nProxy-X: 1\r\n\r\nabc',
  )
  expect(await relay.send(port, LAST)).toBe(
    'HTTP/1.1 299 My Way\r\nSet-Cookie: a\r\nset-cookie: b\r\nServer: them\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc',
  )
  expect(relay.told).toEqual([
    {
      ...{ method: 'GET', host: 'a.example', target: '/', status: 299, bytesUp: 0, bytesDown: 3 },
      verdict: expect.objectContaining({ verdict: 'allow' }),
    },
  ])
})

test('requests of one connection share one connection to the server, also when they are sent ahead', async () => {
  let connections = 0
  const seen: string[] = []
  const port = await relay.http((request, response) => {
    if (!seen.some((entry) => entry === String(request.socket.remotePort))) connections += 1
    seen.push(String(request.socket.remotePort))
    setTimeout(() => response.end(request.url), request.url === '/1' ? 50 : 0)
  })
  const [first, second, third] = ['/1', '/2', '/3'].map((path) => GET.replace('/', path))
  const text = await relay.send(port, `${first}${second}${third?.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')}`)
  expect([...text.matchAll(/\/\d(?=\r\n0\r\n|$|HTTP)/g)].map(String)).toEqual(['/1', '/2', '/3'])
  expect(connections).toBe(1)
  expect(relay.told.map(({ target }) => target)).toEqual(['/1', '/2', '/3'])
})

test('a second request on a kept connection with another Host is decided on its own and denied', async () => {
  const { port, received } = await relay.raw(OK)
  const socket = await relay.client(port)
  socket.write(GET)
  await readUntil(socket, 'ok')
  socket.write('GET /x HTTP/1.1\r\nHost: denied.example\r\n\r\n')
  const refusal = await readUntil(socket, '}}')
  expect(refusal).toContain('HTTP/1.1 403 Forbidden\r\n')
  expect(refusal).toContain('x-isola-denied: the test denies it\r\n')
  expect(JSON.parse(refusal.slice(refusal.indexOf('{')))).toEqual({
    error: {
      code: 'network.denied',
      message: `Isola denies http://denied.example:${port}/: the test denies it`,
      hint: expect.any(String),
      retryable: false,
    },
  })
  expect(received.join('')).not.toContain('denied')
  expect(relay.told[1]).toMatchObject({ host: 'denied.example', target: '/x', status: 403, bytesUp: 0, bytesDown: 0 })
  // The connection goes on.
  socket.write(GET)
  await until(() => (received[0]?.match(/GET/g) ?? []).length === 2)
})

test('a denied request with a small body leaves its connection usable, one with a large body closes it', async () => {
  const port = await relay.http((_request, response) => response.end('served'))
  const denied = (length: number) =>
    `POST / HTTP/1.1\r\nHost: denied.example\r\nContent-Length: ${length}\r\n\r\n${'x'.repeat(length)}`
  expect(await relay.send(port, denied(1000) + LAST)).toMatch(/403 Forbidden[^]*200 OK[^]*served/)
  const text = await relay.send(port, denied(1_000_000) + LAST)
  expect(text).toMatch(/403 Forbidden[^]*Connection: close/)
  expect(text).not.toContain('served')
})

test('HEAD, 204 and 304 have no body and the connection is used on', async () => {
  const port = await relay.http((request, response) => {
    const status = Number(request.url?.slice(1))
    if (request.method === 'HEAD') response.setHeader('Content-Length', 12345)
    response.writeHead(status).end()
  })
  const text = await relay.send(
    port,
    `HEAD /200 HTTP/1.1\r\nHost: a\r\n\r\n${GET.replace('/', '/204')}${GET.replace('/', '/304')}${LAST.replace('/', '/200')}`,
  )
  expect([...text.matchAll(/HTTP\/1.1 (\d+)/g)].map(([, status]) => status)).toEqual(['200', '204', '304', '200'])
  expect(text).toContain('Content-Length: 12345')
})

test('trailers pass in both directions', async () => {
  let seen: IncomingMessage | undefined
  const port = await relay.http((request, response) => {
    seen = request
    request.resume().on('end', () => {
      response.writeHead(200, { Trailer: 'X-Sum' })
      response.write('body')
      response.addTrailers([
        ['X-Sum', '1'],
        ['Content-Type', 'a/b'],
      ])
      response.end()
    })
  })
  const text = await relay.send(
    port,
    'POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Up: 2\r\nHost: evil\r\n\r\n',
  )
  expect(seen?.trailers).toEqual({ 'x-up': '2' })
  expect(text).toMatch(/Trailer: x-sum\r\n[^]*\r\n\r\n4\r\nbody\r\n0\r\nX-Sum: 1\r\n\r\n$/)
  expect(relay.told[0]).toMatchObject({ bytesUp: 3, bytesDown: 4, status: 200 })
})

test('Expect: 100-continue is asked of the server itself', async () => {
  const events: string[] = []
  const server = (await import('node:http')).createServer()
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    events.push('asked')
    response.writeContinue()
    request.on('data', (chunk: Buffer) => events.push(chunk.toString())).on('end', () => response.end('done'))
  })
  const port = await relay.serve(server)
  const socket = await relay.client(port)
  socket.write('PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\nConnection: close\r\n\r\n')
  expect(await readUntil(socket, '\r\n\r\n')).toBe('HTTP/1.1 100 Continue\r\n\r\n')
  expect(events).toEqual(['asked'])
  socket.write('body')
  expect(await readToClose(socket)).toContain('done')
  expect(events).toEqual(['asked', 'body'])
})

test('a denied Expect: 100-continue gets its 403 and no 100', async () => {
  const socket = await relay.client(1)
  socket.write('PUT / HTTP/1.1\r\nHost: denied\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n')
  expect(await readUntil(socket, '}}')).toMatch(/^HTTP\/1.1 403/)
})

test('a head that is not ASCII cannot carry an expectation: the client is asked to try without', async () => {
  const { port, received } = await relay.raw(OK)
  const head = 'PUT / HTTP/1.1\r\nHost: a\r\nX: \xe9\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n'
  expect(await relay.send(port, head)).toMatch(/^HTTP\/1.1 417/)
  expect(received).toEqual([])
})

test('early hints pass', async () => {
  const { port } = await relay.raw(`HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n${OK}`)
  expect(await relay.send(port, LAST)).toMatch(
    /^HTTP\/1.1 103 Early Hints\r\nLink: <\/a>; rel=preload\r\n\r\nHTTP\/1.1 200/,
  )
})

test('events of a stream arrive one by one', async () => {
  let stream: ServerResponse | undefined
  const port = await relay.http((_request, response) => {
    stream = response.writeHead(200, { 'Content-Type': 'text/event-stream' })
    response.flushHeaders()
  })
  const socket = await relay.client(port)
  socket.write(GET)
  await readUntil(socket, '\r\n\r\n')
  for (const event of ['one', 'two', 'three']) {
    stream?.write(`data: ${event}\n\n`)
    expect(await readUntil(socket, '\n\n')).toContain(`data: ${event}`)
  }
})

test('HTTP/1.0 without a Host is decided without a name and ends with its connection', async () => {
  const { port, received } = await relay.raw(
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
  )
  expect(await relay.send(port, 'GET / HTTP/1.0\r\n\r\n')).toBe('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nok')
  expect(relay.asked).toEqual([null])
  expect(received[0]).toContain(`Host: 127.0.0.1:${port}\r\n`)
})

test('a client that ends what it sends still gets its answer', async () => {
  const port = await relay.http((_request, response) => setTimeout(() => response.end('late'), 50))
  const socket = await relay.client(port)
  socket.end(GET)
  expect(await readToClose(socket)).toContain('late')
})

test('a server that closes between two requests closes the client, as if there was no proxy', async () => {
  const port = await relay.tcp((socket) =>
    socket.once('data', () => socket.write(OK)).once('data', () => setTimeout(() => socket.end(), 30)),
  )
  expect(await relay.send(port, GET)).toMatch(/ok$/)
})
