// SPDX-License-Identifier: Apache-2.0
import { readFileSync, statSync } from 'node:fs'
import { encodeFrame, FrameType } from '@isola/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isRoot, ordinaryAccount, rootAccount } from '../support/account.ts'
import { endPlace } from '../support/end-place.ts'
import { IsolaServer, Place } from '../support/isola-server.ts'
import { onHost } from '../support/on-host.ts'
import { type RawOptions, rawConversation } from '../support/raw-conversation.ts'
import { residentMib } from '../support/resident-memory.ts'
import { Subject } from '../support/subject.ts'

let place: Place
let server: IsolaServer
let key: string

beforeAll(async () => {
  place = new Place(isRoot ? rootAccount : ordinaryAccount)
  server = await IsolaServer.start(place, ['--listen', '127.0.0.1:0'])
  key = readFileSync(server.ready.keyFile as string, 'utf8').trim()
}, 60_000)

afterAll(async () => {
  expect(await server.stop()).toBe(0)
  expect(await endPlace(place)).toEqual([])
}, 60_000)

const url = (path: string): string => `${server.ready.url}${path}`
const withKey = (): Record<string, string> => ({ authorization: `Bearer ${key}` })
const errorCode = async (response: Response): Promise<string> =>
  ((await response.json()) as { error: { code: string } }).error.code

const raw = (bytes: string | Uint8Array, options?: RawOptions) =>
  rawConversation(server.ready.url as string, bytes, options)

describe('attacks on the API over TCP', () => {
  test('no key, a wrong one and one in the wrong place: are refused for every route but the open ones', async () => {
    for (const path of ['/v1/server', '/v1/sandboxes', '/v1/doctor', '/v1/sandboxes/x/stream', '/v1/nothing', '/']) {
      expect(await errorCode(await fetch(url(path))), path).toBe('access.key_missing')
      expect(await errorCode(await fetch(url(path), { headers: { authorization: `Bearer ${key}x` } })), path).toBe(
        'access.key_invalid',
      )
      expect(await errorCode(await fetch(`${url(path)}?key=${key}`)), path).toBe('access.key_missing')
      expect(await errorCode(await fetch(url(path), { headers: { authorization: `Basic ${key}` } })), path).toBe(
        'access.key_missing',
      )
    }
    expect((await fetch(url('/v1/health'))).status).toBe(200)
    expect((await fetch(url('/v1/server'), { headers: withKey() })).status).toBe(200)
  })

  test('an upgrade without a key: is refused before any frame', async () => {
    const answer = await raw(
      'GET /v1/sandboxes/x/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: isola-frames/1\r\n\r\n',
    )
    expect(answer).toMatch(/^HTTP\/1\.1 401 /)
  })

  test('DNS rebinding, a Host that is not the server: is refused, key or not', async () => {
    for (const host of [
      'evil.example',
      '169.254.169.254',
      'localhost.evil.example',
      '127.0.0.1.evil.example',
      '',
      'localhost@evil.example',
    ]) {
      const answer = await raw(
        `GET /v1/health HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${key}\r\nConnection: close\r\n\r\n`,
      )
      expect(answer, host).toMatch(/^HTTP\/1\.1 (403|400) /)
    }
    expect(await raw('GET /v1/health HTTP/1.1\r\nHost: localhost:1\r\nConnection: close\r\n\r\n')).toMatch(
      /^HTTP\/1\.1 200 /,
    )
  })

  test('a page of another origin: gets no permission to read', async () => {
    const response = await fetch(url('/v1/health'), { headers: { origin: 'https://evil.example' } })
    expect([...response.headers.keys()].filter((name) => name.startsWith('access-control-'))).toEqual([])
    expect(
      (
        await fetch(url('/v1/sandboxes'), {
          method: 'OPTIONS',
          headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' },
        })
      ).status,
    ).not.toBe(204)
  })

  test('paths in place of ids: reach no file and no other route', async () => {
    for (const id of [
      '..',
      '../../../etc/passwd',
      '%2e%2e',
      '..%2f..%2fetc%2fpasswd',
      '%2fetc%2fpasswd',
      'x%00y',
      '%ff',
      '%',
      'a/b',
      '.',
      '%2e%2e%2fserver',
    ]) {
      const answer = await raw(
        `GET /v1/sandboxes/${id} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${key}\r\nConnection: close\r\n\r\n`,
      )
      expect(answer, id).toMatch(/^HTTP\/1\.1 (400|404) /)
      expect(answer).not.toContain('root:')
    }
  })

  test('a body larger than any request needs: is refused and not kept', async () => {
    const head = `POST /v1/sandboxes HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${key}\r\nContent-Type: application/json\r\n`
    const announced = await raw(`${head}Content-Length: 99999999999\r\n\r\n{`)
    expect(announced).toMatch(/^HTTP\/1\.1 413 .*"request\.too_large"/s)
    const body = 'y'.repeat(4 * 1024 * 1024)
    const before = residentMib(server.pid, 'peak')
    const chunk = `${body.length.toString(16)}\r\n${body}\r\n`
    // 512 MiB whose length nobody announced.
    const whole = raw(`${head}Content-Length: ${body.length}\r\n\r\n${body}`)
    const endless = Array.from({ length: 8 }, () =>
      raw(`${head}Transfer-Encoding: chunked\r\n\r\n`, { more: [chunk, 16] }),
    )
    // Who still sends when the server closes may lose the answer to the reset.
    for (const answer of await Promise.all([whole, ...endless])) expect(answer).toMatch(/^(HTTP\/1\.1 413 |$)/)
    expect(residentMib(server.pid, 'peak') - before).toBeLessThan(128)
  })

  test('bodies that are no request: are refused in one line each', async () => {
    for (const body of [
      '{',
      '[]',
      'null',
      '"x"',
      '1',
      '{"name":1}',
      '{"unknown":1}',
      '{"__proto__":{"x":1}}',
      '{"resources":{"memoryMib":-5}}',
      '{"resources":{"memoryMib":1e400}}',
      '{"env":{"A=B":"x"}}',
      '{"env":{"A":"x\\u0000y"}}',
      '{"template":"../../etc"}',
      '['.repeat(100_000),
    ]) {
      const response = await fetch(url('/v1/sandboxes'), {
        method: 'POST',
        headers: { ...withKey(), 'content-type': 'application/json' },
        body,
      })
      expect([`400 ${body}`, `404 ${body}`]).toContain(`${response.status} ${body}`)
      const { error } = (await response.json()) as { error: { message: string; hint: string } }
      expect(error.message.split('\n')).toHaveLength(1)
      expect(error.message).not.toMatch(/\bat .*:\d+:\d+/)
      expect(error.hint).not.toBe('')
    }
  })

  test('smuggling a second request past the first: is refused', async () => {
    const trusted = `Host: 127.0.0.1\r\nAuthorization: Bearer ${key}\r\n`
    const second = `GET /v1/server HTTP/1.1\r\n${trusted}\r\n`
    const create = `POST /v1/sandboxes HTTP/1.1\r\n${trusted}Content-Type: application/json\r\n`
    for (const bytes of [
      `${create}Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${second}`,
      `${create}Content-Length: 2\r\nContent-Length: ${2 + second.length}\r\n\r\n{}${second}`,
      `${create}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${second}`,
      `${create}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${second}`,
      `${create}Content-Length : 0\r\n\r\n${second}`,
      `GET /v1/health HTTP/1.1\r\n${trusted}X : y\r\n\r\n${second}`,
      `GET /v1/health\r\n\r\n${second}`,
      `\0\0\0\0\r\n\r\n${second}`,
    ]) {
      const answer = await raw(bytes, { end: true })
      expect(answer, bytes).toMatch(/^HTTP\/1\.1 40[03] /)
      expect(answer, bytes).not.toMatch(/HTTP\/1\.1 2\d\d|apiVersion/)
    }
    // The same bytes behind a request that ends where it says are answered.
    const pipelined = `GET /v1/health HTTP/1.1\r\n${trusted}\r\n${second.replace(/\r\n$/, 'Connection: close\r\n\r\n')}`
    expect((await raw(pipelined)).match(/HTTP\/1\.1 200 /g)).toHaveLength(2)
  })

  test('headers without end: are cut off', async () => {
    const answer = await raw(
      `GET /v1/health HTTP/1.1\r\nHost: 127.0.0.1\r\n${'X-Filler: '.padEnd(1000, 'y')}\r\n`.concat(
        `X: ${'z'.repeat(200_000)}\r\n\r\n`,
      ),
    )
    expect(answer).toMatch(/^(HTTP\/1\.1 (431|413) |$)/)
  })

  test('frames of a client that breaks the protocol: cost it its connection and nobody else', async () => {
    await using sandbox = await Subject.create({ url: `unix:${server.socketPath}` }, {})
    const upgrade = `GET /v1/sandboxes/${sandbox.id}/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${key}\r\nConnection: Upgrade\r\nUpgrade: isola-frames/1\r\n\r\n`
    const request = (payload: string) =>
      encodeFrame({ epoch: 1, type: FrameType.request, id: 1, payload: Buffer.from(payload) })
    const start = request('{"argv":["sleep","1000"]}')
    const damaged = Buffer.from(start)
    damaged[23] = (damaged[23] as number) ^ 1
    for (const [what, payload] of Object.entries({
      'no frame': Buffer.from('not a frame at all, not even near one'),
      'no bits': Buffer.alloc(4096, 0xff),
      'a damaged header': damaged,
      'another epoch': encodeFrame({
        epoch: 2,
        type: FrameType.request,
        id: 1,
        payload: Buffer.from('{"argv":["true"]}'),
      }),
      'no JSON': request('{'),
      'input that was not asked for': Buffer.concat([
        start,
        encodeFrame({ epoch: 1, type: FrameType.data, channel: 0, id: 1, payload: Buffer.alloc(65_536) }),
      ]),
    })) {
      // It ends only when the server closes it.
      const answer = await raw(Buffer.concat([Buffer.from(upgrade), payload]))
      expect(answer, what).toMatch(/^HTTP\/1\.1 101 /)
      expect(answer, what).toContain('"request.invalid"')
      expect((await fetch(url('/v1/health'))).status).toBe(200)
    }
    expect(await sandbox.read(['echo', 'alive'])).toBe('alive')
    expect(await sandbox.sandbox.processes.list()).toEqual([])
  })

  test('the server survived all of it', async () => {
    expect((await fetch(url('/v1/server'), { headers: withKey() })).status).toBe(200)
    expect(server.log).not.toMatch(/uncaught|unhandled/i)
  })
})

describe('attacks on the files of the server', () => {
  test('the key, the store and the sockets: are closed to everybody else', () => {
    expect(statSync(place.stateDirectory).mode & 0o077).toBe(0)
    expect(statSync(server.ready.keyFile as string).mode & 0o077).toBe(0)
  })

  test('the unix socket as another uid: cannot be connected to', async ({ skip }) => {
    if (!isRoot) skip('needs root to become another user')
    const program = `import socket,sys;s=socket.socket(socket.AF_UNIX);s.connect(sys.argv[1]);print("connected")`
    const argv = ['/usr/bin/python3', '-c', program, server.socketPath]
    expect((await onHost(argv)).stdout).toBe('connected\n')
    const stranger = await onHost([...ordinaryAccount.prefix, ...argv])
    expect(stranger.stdout).toBe('')
    expect(stranger.stderr).toContain('Permission denied')
  })
})
