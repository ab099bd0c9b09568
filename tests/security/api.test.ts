// SPDX-License-Identifier: Apache-2.0
import { readFileSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isRoot, ordinaryAccount, rootAccount } from '../support/account.ts'
import { endPlace } from '../support/end-place.ts'
import { IsolaServer, Place } from '../support/isola-server.ts'
import { onHost } from '../support/on-host.ts'

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

/** Sends bytes that no HTTP client would; resolves with all that came back when the server closed. */
function raw(bytes: string | Uint8Array, options: { end?: boolean } = {}): Promise<string> {
  const { hostname, port } = new URL(server.ready.url as string)
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname)
    let answer = ''
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1')
    })
    socket.on('error', (error: NodeJS.ErrnoException) =>
      error.code === 'ECONNRESET' || error.code === 'EPIPE' ? resolve(answer) : reject(error),
    )
    socket.on('close', () => resolve(answer))
    socket.write(bytes)
    if (options.end === true) socket.end()
  })
}

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
    const body = JSON.stringify({ labels: { x: 'y'.repeat(4 * 1024 * 1024) } })
    const response = await fetch(url('/v1/sandboxes'), {
      method: 'POST',
      headers: { ...withKey(), 'content-type': 'application/json' },
      body,
    }).catch(() => undefined)
    if (response !== undefined) expect(await errorCode(response)).toBe('request.too_large')
    const announced = await raw(
      `POST /v1/sandboxes HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${key}\r\nContent-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n{`,
      { end: true },
    )
    expect(announced).toMatch(/^HTTP\/1\.1 (413|400) /)
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
    const smuggled = [
      `POST /v1/sandboxes HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /v1/server HTTP/1.1\r\n\r\n`,
      `POST /v1/sandboxes HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 6\r\nContent-Length: 7\r\n\r\nabcdefg`,
      `POST /v1/sandboxes HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`,
      `GET /v1/health HTTP/1.1\r\nHost: 127.0.0.1\r\nX : y\r\n\r\n`,
      `GET /v1/health\r\n\r\n`,
      '\0\0\0\0\r\n\r\n',
    ]
    for (const bytes of smuggled) expect(await raw(bytes, { end: true }), bytes).not.toMatch(/HTTP\/1\.1 2\d\d/)
  })

  test('headers without end: are cut off', async () => {
    const answer = await raw(
      `GET /v1/health HTTP/1.1\r\nHost: 127.0.0.1\r\n${'X-Filler: '.padEnd(1000, 'y')}\r\n`.concat(
        `X: ${'z'.repeat(200_000)}\r\n\r\n`,
      ),
    )
    expect(answer).toMatch(/^(HTTP\/1\.1 (431|413) |$)/)
  })

  test('two hundred requests that never end: do not keep others waiting', async () => {
    const { hostname, port } = new URL(server.ready.url as string)
    const slow = Array.from({ length: 200 }, () => {
      const socket = connect(Number(port), hostname)
      socket.on('error', () => undefined)
      socket.write('POST /v1/sandboxes HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n')
      return socket
    })
    expect((await fetch(url('/v1/health'))).status).toBe(200)
    for (const socket of slow) socket.destroy()
  })

  test('frames of a client that breaks the protocol: cost it its connection and nobody else', async () => {
    for (const payload of [Buffer.from('not a frame at all, not even near one'), Buffer.alloc(4096, 0xff)]) {
      const head = `GET /v1/sandboxes/none/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${key}\r\nConnection: Upgrade\r\nUpgrade: isola-frames/1\r\n\r\n`
      expect(await raw(Buffer.concat([Buffer.from(head), payload]), { end: true })).toMatch(
        /^HTTP\/1\.1 (404|400|101) /,
      )
    }
    expect((await fetch(url('/v1/health'))).status).toBe(200)
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
