// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readToClose, readUntil, TestRelay, until } from '../../test/http-test-relay.ts'

let relay: TestRelay
beforeEach(async () => {
  relay = await TestRelay.start({ prefaceMs: 200, handOverMs: 100, headMs: 200, idleMs: 200 })
})
afterEach(async () => {
  await relay[Symbol.asyncDispose]()
  expect(relay.log).toEqual([])
})

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
const HIDDEN = 'GET /hidden HTTP/1.1\r\nHost: denied.example\r\n\r\n'

test.each([
  ['nothing', ''],
  ['a token nobody gave out', `${'0'.repeat(32)}\nGET / HTTP/1.1\r\nHost: a\r\n\r\n`],
  ['plain HTTP', 'GET / HTTP/1.1\r\nHost: a\r\nX: 1234567890123456\r\n\r\n'],
  ['an endless line', 'a'.repeat(100_000)],
])('a connection whose preface is %s is destroyed', async (_what, text) => {
  const socket = await relay.bare()
  socket.write(text)
  expect(await readToClose(socket)).toBe('')
  expect(relay.told).toEqual([])
})

test('a preface is good once', async () => {
  const { port } = await relay.raw(OK)
  const preface = relay.proxy.expect(relay.connectionTo(port))
  expect(preface).toMatch(/^[0-9a-f]{32}$/)
  const [first, second] = [await relay.bare(), await relay.bare()]
  // Byte by byte, and with the request in the same packet as its end.
  for (const character of preface) first.write(character)
  first.write('\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
  expect(await readToClose(first)).toContain('ok')
  second.write(`${preface}\nGET / HTTP/1.1\r\nHost: a\r\n\r\n`)
  expect(await readToClose(second)).toBe('')
})

test('a preface is forgotten when nobody comes', async () => {
  const preface = relay.proxy.expect(relay.connectionTo(1))
  await new Promise((resolve) => setTimeout(resolve, 150))
  const socket = await relay.bare()
  socket.write(`${preface}\nGET / HTTP/1.1\r\nHost: a\r\n\r\n`)
  expect(await readToClose(socket)).toBe('')
})

test('a client that sends no request, half of one, or no second one is cut off', async () => {
  const { port } = await relay.raw(OK)
  const before = await relay.client(port)
  await readToClose(before)
  expect(await relay.send(port, 'GET / HTTP/1.1\r\nHo')).toMatch(/^HTTP\/1.1 408|^$/)
  expect(await relay.send(port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')).toMatch(/ok$/)
})

const SMUGGLED: [name: string, request: string][] = [
  [
    'a length and chunks',
    `Content-Length: ${5 + HIDDEN.length}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${HIDDEN}`,
  ],
  ['chunks and a length', `Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n5c\r\n${HIDDEN}`],
  ['two different lengths', `Content-Length: 0\r\nContent-Length: ${HIDDEN.length}\r\n\r\n${HIDDEN}`],
  ['two equal lengths', `Content-Length: 2\r\nContent-Length: 2\r\n\r\nab${HIDDEN}`],
  ['a list of lengths', `Content-Length: 2, 2\r\n\r\nab${HIDDEN}`],
  ['a signed length', `Content-Length: +2\r\n\r\nab${HIDDEN}`],
  ['a folded line', `X: 1\r\n Transfer-Encoding: chunked\r\n\r\n${HIDDEN}`],
  ['a folded coding', `Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n${HIDDEN}`],
  ['a blank before the colon', `Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n${HIDDEN}`],
  ['a coding that looks like chunked', `Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${HIDDEN}`],
  ['a vertical tab before the coding', `Transfer-Encoding: \vchunked\r\n\r\n0\r\n\r\n${HIDDEN}`],
  ['two codings', `Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${HIDDEN}`],
  ['a second coding', `Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n${HIDDEN}`],
  ['bare line feeds', `X: 1\n\n${HIDDEN}`],
  ['a bare carriage return', `X: 1\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${HIDDEN}`],
  ['a zero byte', `X: a\0b\r\n\r\n${HIDDEN}`],
  ['bare line feeds between chunks', `Transfer-Encoding: chunked\r\n\r\n2\nab\n0\n\n${HIDDEN}`],
  ['a chunk size with a prefix', `Transfer-Encoding: chunked\r\n\r\n0x2\r\nab\r\n0\r\n\r\n${HIDDEN}`],
  ['a chunk size beyond 64 bits', `Transfer-Encoding: chunked\r\n\r\n10000000000000002\r\nab\r\n0\r\n\r\n${HIDDEN}`],
  ['a chunk that is longer than it says', `Transfer-Encoding: chunked\r\n\r\n2\r\nabcd\r\n0\r\n\r\n${HIDDEN}`],
  ['a line feed in a chunk extension', `Transfer-Encoding: chunked\r\n\r\n2;a\nab\r\n0\r\n\r\n${HIDDEN}`],
  ['two hosts', `Host: denied.example\r\n\r\n`],
  [
    'Connection that names Content-Length',
    `Connection: Content-Length\r\nContent-Length: ${HIDDEN.length}\r\n\r\n${HIDDEN}`,
  ],
  ['Connection that names Host', 'Connection: close, Host\r\n\r\n'],
  [
    'an upgrade with a body',
    `Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: ${HIDDEN.length}\r\n\r\n${HIDDEN}`,
  ],
  [
    'an upgrade to HTTP/2',
    `Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n${HIDDEN}`,
  ],
]

test.each(SMUGGLED)('%s never reaches the server as a second request', async (_name, rest) => {
  const { port, received } = await relay.raw(OK)
  const socket = await relay.client(port)
  socket.end(`POST / HTTP/1.1\r\nHost: a.example\r\n${rest}`, 'latin1')
  await readToClose(socket)
  const sent = received.join('')
  // What is behind the first request was either its body, or refused.
  const body = /Content-Length: (\d+)/i.exec(sent)?.[1]
  const head = sent.slice(0, sent.indexOf('\r\n\r\n') + 4)
  expect(head.match(/^(Content-Length|Transfer-Encoding|Host):/gim)?.length ?? 0).toBeLessThanOrEqual(2)
  expect(/Content-Length/i.test(head) && /Transfer-Encoding/i.test(head)).toBe(false)
  if (body !== undefined) expect(sent.length).toBeLessThanOrEqual(head.length + Number(body))
  else expect(sent).not.toContain('hidden')
  if (head !== '') expect(head).toMatch(/\r\nHost: a\.example\r\n/)
  expect(head).not.toMatch(/h2c|http2-settings/i)
})

test('chunks are made anew, their extensions are gone', async () => {
  const { port, received } = await relay.raw(OK)
  await relay.send(
    port,
    'POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n002;x="y"\r\nab\r\n0;z\r\n\r\n',
  )
  await until(() => received[0]?.endsWith('\r\n\r\n2\r\nab\r\n0\r\n\r\n') === true)
})

test.each([
  'a b',
  'a,b',
  'a/b',
  'a@b',
  'user:pw@a',
  'a:80:80',
  'a:x',
  '[::1',
  '::1',
  '[::1]x',
  'a%2eb',
  'a\\b',
  'a#b',
  '\xe9.example',
  'a:123456',
  '[1.2.3.4]',
  '\x7f',
])('the Host %j is malformed', async (host) => {
  const { port, received } = await relay.raw(OK)
  const text = await relay.send(port, `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  expect(text).toMatch(/^HTTP\/1.1 400 /)
  expect(text).toContain('"code":"request.invalid"')
  expect(received.join('')).toBe('')
  expect(relay.asked).toEqual([])
})

test('a request without a Host is refused', async () => {
  expect(await relay.send(1, 'GET / HTTP/1.1\r\n\r\n')).toContain('no Host header')
  expect(relay.told[0]).toMatchObject({ host: null, status: 400, verdict: { verdict: 'deny' } })
})

test('of a target and a Host that differ the target counts, and the Host is made to match', async () => {
  const { port, received } = await relay.raw(OK)
  expect(
    await relay.send(port, 'GET http://denied.example/ HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n'),
  ).toMatch(/^HTTP\/1.1 403/)
  await relay.send(
    port,
    'GET HTTP://b.example:81/x HTTP/1.1\r\nX: 1\r\nHost: denied.example\r\nConnection: close\r\n\r\n',
  )
  expect(relay.asked).toEqual(['denied.example', 'b.example'])
  expect(received).toEqual([
    'GET HTTP://b.example:81/x HTTP/1.1\r\nX: 1\r\nHost: b.example:81\r\nConnection: close\r\n\r\n',
  ])
})

test.each([
  'http://a@denied.example/',
  'http://a\\@denied.example/',
  'http:///x',
  'http://',
  'https://a/',
  'ftp://a/',
  'a.example:80',
  '*',
  'http://a b/',
  '/a\tb',
  '/a\x01',
  '/a\x7f',
])('the target %j is refused', async (target) => {
  const { port, received } = await relay.raw(OK)
  expect(await relay.send(port, `GET ${target} HTTP/1.1\r\nHost: a.example\r\n\r\n`)).toMatch(/^HTTP\/1.1 400 /)
  expect(received.join('')).toBe('')
})

test('a target cannot bring a header with it', async () => {
  const { port, received } = await relay.raw(OK)
  await relay.send(port, 'GET /%0d%0aX-Evil:%201 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
  await relay.send(port, 'GET /\r\nX-Evil: 1 HTTP/1.1\r\nHost: a\r\n\r\n')
  expect(received).toHaveLength(1)
  expect(received[0]).toContain('GET /%0d%0aX-Evil:%201 HTTP/1.1\r\nHost: a\r\n')
})

test('reasons and names are repeated without control characters', async () => {
  relay.decide = () => ({ verdict: 'deny', rule: null, reason: 'no\r\nX-Evil: 1\x1b[31m\u2028' })
  const text = await relay.send(1, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
  expect(text).toContain('x-isola-denied: no??X-Evil: 1?[31m?\r\n')
  expect(text.replaceAll('\r\n', '')).toMatch(/^[\x20-\x7e]*$/)
})

test('a denied client that leaves in the middle of its body is told of once', async () => {
  const socket = await relay.client(1)
  socket.write('POST / HTTP/1.1\r\nHost: denied.example\r\nContent-Length: 1000000\r\n\r\npart')
  await readUntil(socket, '}}')
  socket.destroy()
  await until(() => relay.told.length === 1)
  expect(relay.told[0]).toMatchObject({ status: 403, bytesUp: 0, bytesDown: 0 })
})

test('a verdict that cannot be had is a denial', async () => {
  relay.decide = () => {
    throw new Error('broken')
  }
  expect(await relay.send(1, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')).toMatch(/^HTTP\/1.1 403/)
  expect(relay.log.splice(0)[0]).toContain('broken')
})

test('CONNECT and HTTP/2 without TLS are refused with a reason', async () => {
  const connect = await relay.send(1, `CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n${HIDDEN}`)
  expect(connect).toMatch(/^HTTP\/1.1 405 [^]*no proxy to ask/)
  expect(connect.match(/HTTP\/1.1/g)).toHaveLength(1)
  const preface = await relay.send(1, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
  expect(preface).toMatch(/^HTTP\/1.1 505 [^]*HTTP\/2 without TLS/)
  expect(await relay.send(1, 'GET / HTTP/2.0\r\nHost: a\r\n\r\n')).toMatch(/^HTTP\/1.1 505 /)
})

test('an enormous head and a flood of requests sent ahead are refused', async () => {
  expect(await relay.send(1, `GET / HTTP/1.1\r\nHost: a\r\nX: ${'y'.repeat(40_000)}\r\n\r\n`)).toMatch(/^HTTP\/1.1 431/)
  const port = await relay.tcp((socket) => socket.resume())
  expect(await relay.send(port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(1000))).toBe('')
})

test('a server that answers twice does not answer the next request', async () => {
  const port = await relay.tcp((socket) => {
    let count = 0
    socket.on('data', () => {
      count += 1
      if (count === 1) socket.write(`${OK}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil`)
    })
  })
  const socket = await relay.client(port)
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
  setTimeout(() => socket.destroy(), 300)
  expect(await readToClose(socket)).not.toContain('evil')
})

test('what a server sends between two answers belongs to none', async () => {
  const port = await relay.tcp((socket) => {
    socket.once('data', () => {
      socket.write(OK)
      setTimeout(() => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil'), 30)
    })
  })
  const socket = await relay.client(port)
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  // The server is dropped, and the client with it.
  expect(await readToClose(socket)).toMatch(/ok$/)
})

test.each([
  ['a length and chunks', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
  ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc'],
  ['a coding that is not chunked', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n'],
  ['a bare carriage return', 'HTTP/1.1 200 OK\r\nX: 1\rSet-Cookie: evil=1\r\nContent-Length: 0\r\n\r\n'],
  ['a folded line', 'HTTP/1.1 200 OK\r\nX: 1\r\n evil\r\nContent-Length: 0\r\n\r\n'],
  ['an impossible status', 'HTTP/1.1 099 evil\r\nContent-Length: 0\r\n\r\n'],
  ['a control character', 'HTTP/1.1 200 OK\r\nX: evil\x7f\r\nContent-Length: 0\r\n\r\n'],
  ['an upgrade nobody asked for', 'HTTP/1.1 101 evil\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nevil'],
  ['no HTTP', 'SSH-2.0-evil\r\n'],
  ['an endless head', `HTTP/1.1 200 OK\r\nX: ${'evil'.repeat(30_000)}\r\n\r\n`],
  ['interim answers without end', 'HTTP/1.1 102 Processing\r\nX: 1\r\n\r\n'.repeat(100)],
  ['an interim answer with a control character', 'HTTP/1.1 103 Early\r\nX: evil\x7f\r\n\r\n'],
])('a server that answers with %s is no answer', async (_name, answer) => {
  const { port } = await relay.raw(answer)
  const text = await relay.send(port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  expect(text.replaceAll(/HTTP\/1.1 102 Processing\r\nX: 1\r\n\r\n/g, '')).toMatch(
    /^$|^HTTP\/1.1 502 [^]*"code":"network.unreachable"[^]*\}\}$/,
  )
  expect(text).not.toContain('evil')
  expect(relay.told).toHaveLength(1)
})

test('an answer that announces trailers and has a length passes as a plain one', async () => {
  const { port } = await relay.raw('HTTP/1.1 200 OK\r\nTrailer: X\r\nContent-Length: 2\r\n\r\nok')
  expect(await relay.send(port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')).toMatch(/ok$/)
})

test('a client cannot hide a request behind an upgrade that did not happen', async () => {
  const { port, received } = await relay.raw(OK)
  const socket = await relay.client(port)
  socket.write(`GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n${HIDDEN}`)
  expect(await readUntil(socket, 'ok')).toMatch(/^HTTP\/1.1 200/)
  socket.write(HIDDEN)
  await readToClose(socket)
  expect(received.join('')).not.toContain('hidden')
})
