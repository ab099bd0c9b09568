// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Client, type ClientOptions } from './client.ts'

const serverProgram = fileURLToPath(new URL('../../test/stub-isolad.mjs', import.meta.url))
let folder: string
let stateDirectory: string
let pids: number[]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'isola-start-'))
  stateDirectory = join(folder, 'state')
  pids = []
})
afterEach(() => {
  delete process.env['STUB_ISOLAD']
  for (const pid of new Set(pids)) process.kill(pid, 'SIGTERM')
  rmSync(folder, { recursive: true, force: true })
})

const client = (options: ClientOptions = {}) => new Client({ stateDirectory, serverProgram, ...options })
const serverPid = async (of: Client) => {
  const { pid } = await of.info()
  pids.push(pid)
  return pid
}

test('the local server is started when nobody answers, once', async () => {
  let started = 0
  const one = client({ onServerStart: () => started++ })
  const [first, second] = await Promise.all([serverPid(one), serverPid(one)])
  expect(first).toBe(second)
  expect(await serverPid(client())).toBe(first)
  expect(started).toBe(1)
  expect(statSync(stateDirectory).mode & 0o777).toBe(0o700)
})

test('clients that start at the same moment all get the one server that wins', async () => {
  const all = await Promise.all(Array.from({ length: 4 }, () => serverPid(client())))
  expect(new Set(all).size).toBe(1)
})

test('a socket that a killed server left behind does not stop it', async () => {
  await serverPid(client())
  process.kill(pids[0] as number, 'SIGTERM')
  pids = []
  const one = client()
  await expect.poll(() => existsSync(join(stateDirectory, 'stub.lock'))).toBe(false)
  expect(await serverPid(one)).toBeGreaterThan(0)
})

test.each([
  ['fail', { code: 'host.store_corrupt', hint: 'move it away' }],
  [
    'crash',
    { code: 'server.start_failed', message: 'start the local server: it ended with 3: Error: the engine fell off' },
  ],
  ['garbage', { code: 'server.start_failed', message: expect.stringContaining('hello there') }],
])('a server that cannot start (%s) is told with its reason', async (mode, expected) => {
  process.env['STUB_ISOLAD'] = mode
  await expect(client().info()).rejects.toMatchObject(expected)
})

test('a state directory that cannot be made is told with the way out', async () => {
  writeFileSync(join(folder, 'file'), '')
  await expect(client({ stateDirectory: join(folder, 'file', 'state') }).info()).rejects.toMatchObject({
    message: expect.stringContaining(join(folder, 'file')),
  })
  await expect(client({ stateDirectory: '/proc/isola/state' }).info()).rejects.toMatchObject({
    code: 'server.start_failed',
    hint: expect.stringContaining('ISOLA_STATE_DIR'),
  })
})

test('autoStart false and a url start nothing', async () => {
  await expect(client({ autoStart: false }).info()).rejects.toMatchObject({ code: 'server.unreachable' })
  const elsewhere = new Client({ url: `unix:${join(folder, 'none.sock')}`, serverProgram })
  await expect(elsewhere.info()).rejects.toMatchObject({ code: 'server.unreachable' })
  expect(existsSync(stateDirectory)).toBe(false)
})
