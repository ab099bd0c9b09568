// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Driver, SandboxRecord } from '@isola/core'
import type { SandboxPage } from '@isola/protocol'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { fakeDriver } from '../../test/fake-driver.ts'
import type { Loose } from '../../test/loose.ts'
import { sandboxRecord } from '../../test/sandbox-record.ts'
import { readReply, type Reply } from '../../test/send.ts'
import type { ServerConfig } from '../config.ts'
import { SqliteStore } from '../store/sqlite-store.ts'
import { makeJournal } from './journal.ts'
import { type RunningServer, serve } from './serve.ts'

let directory: string
let log: string[]
let alive: string[]
let probing: { begun: PromiseWithResolvers<void>; release: PromiseWithResolvers<void> } | undefined
const running: RunningServer[] = []
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'isola-serve-'))
  log = []
  alive = []
  probing = undefined
})
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.stop('the test is over')))
  rmSync(directory, { recursive: true })
})

async function start(change: Partial<ServerConfig> = {}): Promise<RunningServer> {
  const config = { stateDirectory: directory, poolSize: 0, ...change }
  const server = await serve(
    config,
    () => [fakeDriver(alive, driverChange())],
    makeJournal((line) => log.push(line)),
  )
  running.push(server)
  return server
}

/** While `probing` is set, the driver takes as long as the test wants. */
function driverChange(): Partial<Driver> {
  const { probe } = fakeDriver()
  return {
    async probe(operation) {
      probing?.begun.resolve()
      await probing?.release.promise
      return await probe(operation)
    },
  }
}

async function get<Body = Loose>(server: RunningServer, path: string): Promise<Reply<Body>> {
  const { promise, resolve, reject } = Promise.withResolvers<Parameters<typeof readReply>[0]>()
  request({ socketPath: server.socketPath, agent: false, path }).on('response', resolve).on('error', reject).end()
  return await readReply<Body>(await promise)
}

function keep(record: SandboxRecord): SandboxRecord {
  const store = new SqliteStore(join(directory, 'isola.sqlite'))
  store.insert(record)
  store.close()
  return record
}

test('a server answers, stops, and leaves nothing but its store', async () => {
  const server = await start()
  expect((await get(server, '/v1/health')).json).toEqual({ status: 'ok' })
  expect(statSync(server.socketPath).mode & 0o777).toBe(0o600)
  await server.stop('enough')
  await server.stop('again')
  for (const name of ['isolad.sock', 'isolad.pid', 'isola.sqlite-wal'])
    expect(existsSync(join(directory, name))).toBe(false)
})

test('what is in flight is finished, what comes later is not begun', async () => {
  const server = await start()
  probing = { begun: Promise.withResolvers(), release: Promise.withResolvers() }
  const slow = get(server, '/v1/doctor')
  await probing.begun.promise
  const stopped = server.stop('enough')
  await expect(get(server, '/v1/health')).rejects.toThrow(/ENOENT|ECONNREFUSED/)
  probing.release.resolve()
  expect((await slow).status).toBe(200)
  await stopped
})

test('a second server is refused with the pid of the first', async () => {
  const first = await start()
  await expect(start()).rejects.toMatchObject({
    code: 'server.start_failed',
    message: expect.stringContaining(`(pid ${process.pid})`),
    socketPath: first.socketPath,
  })
  expect((await get(first, '/v1/health')).status).toBe(200)
})

test('what lived before lives on, what is gone is told', async () => {
  const living = keep(sandboxRecord({ name: 'living' }))
  keep(sandboxRecord({ name: 'gone' }))
  alive = [living.id]
  const server = await start()
  const states = (await get<SandboxPage>(server, '/v1/sandboxes')).json.items.map(({ name, state }) => [name, state])
  expect(states).toEqual([
    ['living', 'running'],
    ['gone', 'failed'],
  ])
})

test('a corrupt store stops the start, is left as it is, and nothing stays locked', async () => {
  const path = join(directory, 'isola.sqlite')
  writeFileSync(path, 'not a store'.repeat(100))
  await expect(start()).rejects.toMatchObject({ code: 'host.store_corrupt', context: { path } })
  expect(readFileSync(path, 'utf8')).toBe('not a store'.repeat(100))
  rmSync(path)
  expect((await get(await start(), '/v1/health')).status).toBe(200)
})

test('a port in use stops the start and nothing stays behind', async () => {
  const blocker = createServer()
  await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve))
  const { port } = blocker.address() as { port: number }
  await expect(start({ listen: { host: '127.0.0.1', port } })).rejects.toThrow(
    `listen on 127.0.0.1:${port}: another program listens there`,
  )
  expect(existsSync(join(directory, 'isolad.sock'))).toBe(false)
  blocker.close()
  await start()
})

test('a TCP listener comes with a key file that opens it', async () => {
  const server = await start({ listen: { host: '127.0.0.1', port: 0 } })
  const key = readFileSync(server.keyFile ?? '', 'utf8').trim()
  expect((await fetch(`${server.url}/v1/sandboxes`)).status).toBe(401)
  expect((await fetch(`${server.url}/v1/sandboxes`, { headers: { authorization: `Bearer ${key}` } })).status).toBe(200)
})

test('a server that nobody needs stops by itself', async () => {
  const server = await start({ idleExitMs: 5 })
  await server.stopped
  expect(log.join('')).toContain('idle')
  running.splice(0)
})

test('a server that a sandbox needs does not', async () => {
  alive = [keep(sandboxRecord()).id]
  const server = await start({ idleExitMs: 1 })
  for (let asked = 0; asked < 20; asked++) expect((await get(server, '/v1/health')).status).toBe(200)
})

test('the key of a sandbox never reaches the log', async () => {
  const { keyHex } = keep(sandboxRecord({ state: 'creating' }))
  await start()
  expect(log.join('')).not.toContain(keyHex)
})
