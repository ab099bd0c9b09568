// SPDX-License-Identifier: Apache-2.0
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FRAMES_UPGRADE } from '@isola/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { send, sendRaw } from '../../test/send.ts'
import { TestServer } from '../../test/test-server.ts'
import { loadApiKey } from './api-key.host.ts'
import { keyAccess } from './key-access.ts'

const KEY = `isk_${'k'.repeat(43)}`

describe('a TCP listener', () => {
  let server: TestServer
  beforeEach(async () => {
    server = await TestServer.start({ access: keyAccess(KEY, '127.0.0.1') })
  })
  afterEach(() => server[Symbol.asyncDispose]())

  test.each([{ authorization: `Bearer ${KEY}` }, { authorization: `bearer ${KEY}` }, { 'x-api-key': KEY }])(
    'lets in who has the key, sent as %o',
    async (headers) => {
      expect((await send(server, 'GET', '/v1/sandboxes', { headers })).status).toBe(200)
    },
  )

  test.each([
    ['access.key_missing', {}],
    ['access.key_missing', { 'x-api-key': '' }],
    ['access.key_missing', { authorization: 'Basic abc' }],
    ['access.key_missing', { authorization: 'Bearer' }],
    ['access.key_invalid', { authorization: 'Bearer x' }],
    ['access.key_invalid', { 'x-api-key': `${KEY}x` }],
    ['access.key_invalid', { 'x-api-key': KEY.slice(1) }],
  ])('answers %s to %o', async (code, headers) => {
    const reply = await send(server, 'GET', '/v1/sandboxes', { headers })
    expect(reply.status).toBe(401)
    expect(reply.headers['www-authenticate']).toBe('Bearer')
    expect(reply.json.error.code).toBe(code)
  })

  test('tells nothing about its routes to who has no key', async () => {
    expect((await send(server, 'GET', '/v1/secret')).status).toBe(401)
    expect((await send(server, 'DELETE', '/v1/health')).status).toBe(401)
  })

  test('answers health and the OpenAPI document without a key', async () => {
    expect((await send(server, 'GET', '/v1/health')).status).toBe(200)
    expect((await send(server, 'GET', '/v1/openapi.json')).status).toBe(200)
  })

  test('refuses an upgrade without the key', async () => {
    const answer = await sendRaw(
      server,
      `GET /v1/sandboxes/a/stream HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: ${FRAMES_UPGRADE}\r\n\r\n`,
    )
    expect(answer).toMatch(/^HTTP\/1\.1 401 /)
    expect(answer).toContain('access.key_missing')
  })

  test.each(['evil.example', 'evil.example:80', '127.0.0.1.evil.example', 'localhost.evil.example'])(
    'is not fooled by DNS rebinding: Host %j is refused, with the key and without',
    async (host) => {
      for (const headers of [{ host }, { host, 'x-api-key': KEY }]) {
        const reply = await send(server, 'GET', '/v1/health', { headers })
        expect(reply.status).toBe(403)
        expect(reply.json.error.code).toBe('access.peer_refused')
      }
    },
  )

  test('refuses a request without a Host', async () => {
    expect(await sendRaw(server, 'GET /v1/health HTTP/1.1\r\nConnection: close\r\n\r\n')).toContain(
      'access.peer_refused',
    )
  })

  test.each(['localhost', 'LOCALHOST:1234', '127.0.0.1:9', '[::1]:80', '3000-sb1.localhost'])(
    'answers to Host %s',
    async (host) => {
      expect((await send(server, 'GET', '/v1/health', { headers: { host } })).status).toBe(200)
    },
  )

  test('sends no CORS header, not even to a preflight', async () => {
    const headers = { origin: 'https://evil.example', 'access-control-request-method': 'POST' }
    const reply = await send(server, 'OPTIONS', '/v1/sandboxes', { headers })
    expect(reply.status).toBe(401)
    expect(Object.keys(reply.headers).filter((name) => name.startsWith('access-control'))).toEqual([])
  })
})

describe('the key file', () => {
  let directory: string
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'isola-key-'))
  })
  afterEach(() => rmSync(directory, { recursive: true }))

  test('is made once, for its owner alone', () => {
    const path = join(directory, 'api-key')
    const key = loadApiKey(path)
    expect(key).toMatch(/^isk_[\w-]{43}$/)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(loadApiKey(path)).toBe(key)
  })

  test('is refused when others may read it', () => {
    const path = join(directory, 'api-key')
    loadApiKey(path)
    chmodSync(path, 0o640)
    expect(() => loadApiKey(path)).toThrow(/others may read it \(mode 640\)/)
  })

  test.each(['', 'secret\n', 'isk_short'])('is refused when it holds %j', (content) => {
    const path = join(directory, 'api-key')
    writeFileSync(path, content, { mode: 0o600 })
    expect(() => loadApiKey(path)).toThrow(/holds no key/)
  })
})
