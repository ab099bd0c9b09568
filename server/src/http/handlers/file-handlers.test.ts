// SPDX-License-Identifier: Apache-2.0
import { request } from 'node:http'
import { IsolaError } from '@isola/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { parseLines } from '../../../test/loose.ts'
import { PushSource } from '../../../test/push-source.ts'
import { open, readAll, send, sendRaw } from '../../../test/send.ts'
import { TestServer } from '../../../test/test-server.ts'

const FILES = '/v1/sandboxes/web/files'
let server: TestServer
beforeEach(async () => {
  server = await TestServer.start()
  server.service.add({ name: 'web' })
})
afterEach(() => server[Symbol.asyncDispose]())

function offer(size: number): PushSource {
  const bytes = new PushSource()
  server.service.download = { size, mode: 0o644, mtimeMs: 0, bytes }
  return bytes
}

describe('reading a file', () => {
  test('promises its length and keeps it', async () => {
    const bytes = offer(6)
    bytes.push('abc')
    bytes.push('def')
    bytes.end()
    const { status, headers, text } = await send(server, 'GET', `${FILES}?path=/a`)
    expect([status, text, headers['content-length'], headers['content-type']]).toEqual([
      200,
      'abcdef',
      '6',
      'application/octet-stream',
    ])
  })

  test('of which a part is asked promises that part', async () => {
    const bytes = offer(6)
    bytes.push('ef')
    bytes.end()
    const { headers, text } = await send(server, 'GET', `${FILES}?path=/a&offset=4&length=100`)
    expect([text, headers['content-length']]).toEqual(['ef', '2'])
  })

  test('that grows meanwhile is cut at the promise', async () => {
    const bytes = offer(3)
    bytes.push('abcdef')
    expect((await send(server, 'GET', `${FILES}?path=/a`)).text).toBe('abc')
    expect(bytes.isAbandoned).toBe(true)
  })

  test('that shrinks, or breaks off, breaks the connection', async () => {
    for (const error of [undefined, new IsolaError('file.io', 'input/output error')]) {
      const bytes = offer(6)
      bytes.push('abc')
      bytes.end(error)
      await expect(send(server, 'GET', `${FILES}?path=/a`)).rejects.toThrow(/aborted|hang up/)
    }
  })

  test('that says it is empty is read to its end all the same', async () => {
    const bytes = offer(0)
    bytes.push('processor: 0\n')
    bytes.end()
    const { headers, text } = await send(server, 'GET', `${FILES}?path=/proc/cpuinfo`)
    expect([text, headers['content-length']]).toEqual(['processor: 0\n', undefined])
  })

  test('that cannot be opened answers with the error', async () => {
    server.service.fail = new IsolaError('file.not_found', 'no file /a')
    const { status, json } = await send(server, 'GET', `${FILES}?path=/a`)
    expect([status, json.error.code]).toEqual([404, 'file.not_found'])
  })

  test('nobody takes holds back its source', async () => {
    const chunk = Buffer.alloc(256 * 1024)
    const chunks = 400
    const bytes = offer(chunks * chunk.length)
    for (let pushed = 0; pushed < chunks; pushed++) bytes.push(chunk)
    const socket = await open(server)
    socket.pause()
    socket.write(`GET ${FILES}?path=/a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
    let taken = -1
    while (taken !== bytes.takenBytes || taken === 0) {
      taken = bytes.takenBytes
      for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve))
    }
    expect(taken).toBeLessThan(8 * 1024 * 1024)
    socket.resume()
    bytes.end()
    const answer = await readAll(socket)
    expect(answer.length - answer.indexOf('\r\n\r\n') - 4).toBe(chunks * chunk.length)
  })

  test('whose reader goes away is let go', async () => {
    const bytes = offer(1000)
    const outgoing = request({ ...server.target, path: `${FILES}?path=/a` })
    outgoing.on('error', () => {})
    outgoing.on('response', (response) => {
      response.on('error', () => {})
      response.destroy()
    })
    outgoing.end()
    bytes.push('abc')
    while (!bytes.isAbandoned) {
      bytes.push('x')
      await new Promise((resolve) => setImmediate(resolve))
    }
  })
})

describe('writing a file', () => {
  test('streams the body with what is to become of it', async () => {
    const { status, json } = await send(
      server,
      'PUT',
      `${FILES}?path=a%20b&mode=0755&parents=true&append=false&user=root`,
      { body: 'content' },
    )
    expect([status, json]).toEqual([200, { size: 7 }])
    expect(server.service.uploads).toEqual([
      { request: { path: 'a b', mode: 0o755, parents: true, append: false, user: 'root' }, content: 'content' },
    ])
  })

  test.each(['mode=888', 'mode=-1', 'parents=yes', 'path='])('with %s is refused', async (query) => {
    const path = query.startsWith('path') ? FILES : `${FILES}?path=/a`
    const { status } = await send(server, 'PUT', `${path}${path.includes('?') ? '&' : '?'}${query}`, { body: 'x' })
    expect(status).toBe(400)
  })

  test('takes the body only as fast as the sandbox does', async () => {
    let taken = 0
    const gate = Promise.withResolvers<void>()
    server.service.onWrite = async (content) => {
      for await (const chunk of content) {
        taken += chunk.length
        await gate.promise
      }
      return { size: taken }
    }
    const size = 64 * 1024 * 1024
    const socket = await open(server)
    socket.write(`PUT ${FILES}?path=/a HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${size}\r\n\r\n`)
    socket.write(Buffer.alloc(size))
    while (taken === 0) await new Promise((resolve) => setImmediate(resolve))
    for (let turn = 0; turn < 500; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(socket.writableLength).toBeGreaterThan(size - 8 * 1024 * 1024)
    gate.resolve()
    expect(await readAll(socket)).toContain(`{"size":${size}}`)
  })

  test('breaks off in the sandbox when the client goes away', async () => {
    const broken = Promise.withResolvers<unknown>()
    const begun = Promise.withResolvers<void>()
    server.service.onWrite = async (content) => {
      try {
        for await (const _ of content) begun.resolve()
      } catch (error) {
        broken.resolve(error)
        throw error
      }
      throw new Error('the content ended as if it were whole')
    }
    const socket = await open(server)
    socket.write(`PUT ${FILES}?path=/a HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc`)
    await begun.promise
    socket.destroy()
    expect(await broken.promise).toMatchObject({ code: 'request.cancelled' })
  })

  test('breaks off when the client sends nothing for long', async () => {
    await using impatient = await TestServer.start({ waits: { bodyIdleMs: 30 } })
    impatient.service.add({ name: 'web' })
    const answer = await sendRaw(
      impatient,
      `PUT ${FILES}?path=/a HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc`,
    )
    expect(answer).toContain('request.timed_out')
  })

  test('that is refused tells so while the client is still sending', async () => {
    server.service.fail = new IsolaError('file.permission_denied', 'may not write /etc/a')
    const socket = await open(server)
    socket.write(`PUT ${FILES}?path=/etc/a HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n`)
    socket.write(Buffer.alloc(1024 * 1024))
    const answer = await readAll(socket)
    expect(answer).toContain('HTTP/1.1 403')
    expect(answer).toContain('connection: close')
  })

  test('asks a careful client to go on, but not when it is refused', async () => {
    const head = `PUT ${FILES}?path=/a HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n`
    const socket = await open(server)
    socket.write(head)
    const answer = readAll(socket)
    await new Promise((resolve) => socket.once('data', resolve))
    socket.write('ok')
    expect(await answer).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /)
    expect(await sendRaw(server, head.replace('/files?', '/nowhere?'))).toMatch(/^HTTP\/1\.1 404 /)
  })
})

describe('the rest', () => {
  test('a list is passed on as lines, and says so when it breaks off', async () => {
    const listing = new PushSource()
    server.service.listing = listing
    listing.push('{"name":"a"}\n')
    listing.end(new IsolaError('file.io', 'input/output error'))
    const { headers, text } = await send(server, 'GET', `${FILES}/list?path=/`)
    expect(headers['content-type']).toBe('application/x-ndjson')
    expect(parseLines(text)).toMatchObject([{ name: 'a' }, { event: 'error', error: { code: 'file.io' } }])
  })

  test('stat, mkdir, move and remove reach the agent', async () => {
    server.service.result = {
      entry: { name: 'a', path: '/a', type: 'file', size: 1, mode: 0o644, uid: 0, gid: 0, mtimeMs: 0 },
    }
    expect((await send(server, 'GET', `${FILES}/stat?path=/a&follow=true`)).json).toMatchObject({ name: 'a' })
    expect(
      (await send(server, 'POST', `${FILES}/mkdir`, { body: { path: '/d', parents: true, mode: '700' } })).status,
    ).toBe(204)
    expect((await send(server, 'POST', `${FILES}/move`, { body: { from: '/a', to: '/b' } })).status).toBe(204)
    expect((await send(server, 'DELETE', `${FILES}?path=/b&recursive=true`)).status).toBe(204)
    expect(server.service.calls.map(({ op, request }) => [op, request])).toEqual([
      ['file.stat', { path: '/a', follow: true }],
      ['file.mkdir', { path: '/d', parents: true, mode: 0o700 }],
      ['file.move', { from: '/a', to: '/b' }],
      ['file.remove', { path: '/b', recursive: true }],
    ])
  })
})
