// SPDX-License-Identifier: Apache-2.0
import { createHash, randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readToClose, readUntil, TestRelay, until } from '../../test/http-test-relay.ts'

let relay: TestRelay
beforeEach(async () => {
  relay = await TestRelay.start()
})
afterEach(async () => {
  await relay[Symbol.asyncDispose]()
  expect(relay.log).toEqual([])
})

const MIB = 1024 * 1024
const GET = 'GET / HTTP/1.1\r\nHost: a.example\r\n\r\n'
const UPGRADE =
  'GET /ws HTTP/1.1\r\nHost: a.example\r\nConnection: Upgrade\r\nUpgrade: websocket, h2c\r\nSec-WebSocket-Key: k\r\n\r\n'
const SWITCH =
  'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: a\r\n\r\n'

test('100 MiB pass both ways at once, byte by byte, in bounded memory', async () => {
  const total = 100 * MIB
  const port = await relay.http((request, response) => request.pipe(response))
  const socket = await relay.client(port)
  socket.write(`POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${total}\r\n\r\n`)
  const [up, down] = [createHash('sha256'), createHash('sha256')]
  const reader = collectChunked(socket, down)
  const block = randomBytes(MIB)
  const before = liveBytes()
  let peak = 0
  for (let sent = 0; sent < total; sent += MIB) {
    up.update(block)
    if (!socket.write(block)) await new Promise((resolve) => socket.once('drain', resolve))
    if (sent % (8 * MIB) === 0) peak = Math.max(peak, liveBytes())
  }
  expect(await reader).toBe(total)
  expect(down.digest('hex')).toBe(up.digest('hex'))
  expect(peak - before).toBeLessThan(16 * MIB)
  await until(() => relay.told.length === 1)
  expect(relay.told[0]).toMatchObject({ bytesUp: total, bytesDown: total, status: 200 })
}, 60_000)

test('a reader that stops stops the server', async () => {
  let sent = 0
  const port = await relay.http((_request, response) => {
    const block = Buffer.alloc(64 * 1024)
    const fill = () => {
      for (let isReady = true; isReady && sent < 256 * MIB; sent += block.length) isReady = response.write(block)
    }
    response.on('drain', fill)
    fill()
  })
  const socket = await relay.client(port)
  socket.write(GET)
  await until(() => sent > 0)
  let last = -1
  while (last !== sent) {
    last = sent
    await sleep(200)
  }
  expect(sent).toBeLessThan(32 * MIB)
  socket.destroy()
  await until(() => relay.told.length === 1)
  expect(relay.told[0]?.bytesDown).toBeLessThan(8 * MIB)
})

test('a server that stops reading stops the client', async () => {
  const port = await relay.tcp((socket) => socket.pause())
  const socket = await relay.client(port)
  socket.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${1024 * MIB}\r\n\r\n`)
  let sent = 0
  for (let isFull = false; !isFull; ) {
    const wait = socket.write(Buffer.alloc(MIB))
      ? Promise.resolve('go')
      : new Promise((resolve) => socket.once('drain', () => resolve('go')))
    isFull = (await Promise.race([wait, sleep(500)])) !== 'go'
    sent += MIB
    expect(sent).toBeLessThan(64 * MIB)
  }
})

test('a WebSocket passes both ways after its own verdict, and each end closes by itself', async () => {
  let head = ''
  let server: Socket | undefined
  const port = await relay.tcp((socket) => {
    server = socket
    socket.once('data', (chunk) => {
      head = chunk.toString()
      socket.write(`${SWITCH}first`)
      socket.on('data', (data) => socket.write(data))
      socket.on('end', () => socket.end('bye'))
    })
  })
  const socket = await relay.client(port)
  socket.write(`${UPGRADE}early`)
  const text = await readUntil(socket, 'early')
  expect(text).toMatch(
    /^HTTP\/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nfirst/,
  )
  expect(head).toContain('Connection: Upgrade\r\nUpgrade: websocket\r\n')
  expect(relay.asked).toEqual(['a.example'])
  socket.write('\0ping')
  await readUntil(socket, '\0ping')
  socket.end()
  expect(await readToClose(socket)).toBe('bye')
  await until(() => relay.told.length === 1)
  expect(relay.told[0]).toMatchObject({ target: '/ws', status: 101, bytesUp: 10, bytesDown: 18 })
  expect(server?.readableEnded).toBe(true)
})

test('a denied upgrade reaches nobody, one that the server declines is answered with its answer', async () => {
  const { port, received } = await relay.raw('HTTP/1.1 401 No\r\nContent-Length: 3\r\n\r\nwho')
  expect(await relay.send(port, UPGRADE.replace('a.example', 'denied.example'))).toMatch(/^HTTP\/1.1 403/)
  expect(received).toEqual([])
  expect(await relay.send(port, UPGRADE)).toMatch(/^HTTP\/1.1 401 No\r\n[^]*who$/)
  expect(relay.told.map(({ status }) => status)).toEqual([403, 401])
})

test('a WebSocket whose server breaks breaks', async () => {
  const port = await relay.tcp((socket) =>
    socket.once('data', () => socket.write(SWITCH)).on('data', () => socket.resetAndDestroy()),
  )
  const socket = await relay.client(port)
  socket.write(UPGRADE)
  await readToClose(socket)
  await until(() => relay.told.length === 1)
})

test('a large body over a WebSocket waits for its reader', async () => {
  const port = await relay.tcp((socket) => {
    socket.once('data', () => {
      socket.write(SWITCH)
      socket.pipe(socket)
    })
  })
  const socket = await relay.client(port)
  socket.write(UPGRADE)
  await readUntil(socket, '\r\n\r\n')
  const [up, down] = [createHash('sha256'), createHash('sha256')]
  const ended = new Promise((resolve) => socket.on('data', (chunk) => down.update(chunk)).once('end', resolve))
  for (let index = 0; index < 20; index++) {
    const block = randomBytes(MIB)
    up.update(block)
    if (!socket.write(block)) await new Promise((resolve) => socket.once('drain', resolve))
  }
  socket.end()
  await ended
  expect(down.digest('hex')).toBe(up.digest('hex'))
})

test('a server that cannot be reached is a 502', async () => {
  const port = await relay.tcp((socket) => socket.resetAndDestroy())
  const text = await relay.send(port, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc')
  expect(text).toMatch(/^HTTP\/1.1 502 Bad Gateway\r\n[^]*"code":"network.unreachable"/)
  expect(await relay.send(1, GET)).toMatch(/^HTTP\/1.1 502 [^]*ECONNREFUSED/)
  expect(relay.told.map(({ status }) => status)).toEqual([502, 502])
})

test('a name in place of the address is never looked up', async () => {
  const socket = await relay.bare()
  socket.write(`${relay.proxy.expect({ ...relay.connectionTo(80), address: 'localhost' })}\n${GET}`)
  expect(await readToClose(socket)).toContain('localhost is no address')
})

test.each([
  ['Content-Length: 100', 'half', 'half'],
  ['Transfer-Encoding: chunked', '4\r\nhalf\r\n', '4\r\nhalf\r\n'],
])('a body with %s that breaks off does not look whole', async (header, body, seen) => {
  const port = await relay.tcp((socket) =>
    socket.once('data', () => {
      socket.write(`HTTP/1.1 200 OK\r\n${header}\r\n\r\n${body}`)
      setTimeout(() => socket.resetAndDestroy(), 50)
    }),
  )
  expect((await relay.send(port, GET)).endsWith(seen)).toBe(true)
  await until(() => relay.told.length === 1)
  expect(relay.told[0]).toMatchObject({ status: 200, bytesDown: 4 })
})

test('a client that leaves ends its request', async () => {
  const closed = Promise.withResolvers<void>()
  const port = await relay.http((request) => request.once('close', closed.resolve))
  const socket = await relay.client(port)
  socket.write(GET)
  setTimeout(() => socket.destroy(), 50)
  await closed.promise
  await until(() => relay.told.length === 1)
  expect(relay.told[0]?.status).toBeNull()
})

test('a client that leaves in the middle of its body ends its request', async () => {
  const closed = Promise.withResolvers<unknown>()
  const port = await relay.http((request) => request.resume().on('error', closed.resolve))
  const socket = await relay.client(port)
  socket.write('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n')
  setTimeout(() => socket.destroy(), 50)
  expect(await closed.promise).toBeInstanceOf(Error)
  await until(() => relay.told.length === 1)
})

test('an answer that comes before the body is sent ends the request', async () => {
  const { port } = await relay.raw('HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno')
  const socket = await relay.client(port)
  socket.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${MIB}\r\n\r\npart`)
  expect(await readUntil(socket, 'no')).toMatch(/^HTTP\/1.1 413/)
  await readToClose(socket)
  await until(() => relay.told.length === 1)
  expect(relay.told[0]).toMatchObject({ status: 413, bytesUp: 4, bytesDown: 2 })
})

test('closing the proxy ends what is under way', async () => {
  const port = await relay.http(() => {})
  const socket = await relay.client(port)
  socket.write(GET)
  await until(() => relay.asked.length === 1)
  await relay.proxy.close()
  await readToClose(socket)
  await until(() => relay.told.length === 1)
})

/** What buffers hold that are still in use. */
function liveBytes(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  // What the first pass finds is given back by the second.
  collect()
  collect()
  return process.memoryUsage().arrayBuffers
}

/** Reads a chunked answer to its end; returns the size of its body. */
async function collectChunked(socket: Socket, hash: { update(chunk: Buffer): unknown }): Promise<number> {
  let [rest, size, left, inHead] = [Buffer.alloc(0), 0, 0, true]
  for await (const piece of socket) {
    rest = Buffer.concat([rest, piece as Buffer])
    for (;;) {
      if (left > 0) {
        const part = rest.subarray(0, left)
        hash.update(part)
        size += part.length
        left -= part.length
        rest = rest.subarray(part.length)
        if (left > 0) break
        left = -2
      }
      if (left < 0 && rest.length < 2) break
      if (left < 0) rest = rest.subarray(2)
      left = 0
      const end = rest.indexOf(inHead ? '\r\n\r\n' : '\r\n')
      if (end === -1) break
      const line = rest.toString('latin1', 0, end)
      rest = rest.subarray(end + (inHead ? 4 : 2))
      if (inHead) inHead = false
      else {
        left = Number.parseInt(line, 16)
        if (left === 0) return size
      }
    }
  }
  return -1
}
