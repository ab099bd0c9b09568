// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { INITIAL_CREDIT_BYTES } from '@isola/protocol/wire'
import { pattern } from '../../test/fake-programs.ts'
import { FakeServer } from '../../test/fake-server.ts'
import { Client } from '../connection/client.ts'
import { Sandbox } from '../sandbox/sandbox.ts'

let server: FakeServer
let sandbox: Sandbox
beforeEach(async () => {
  server = await FakeServer.listen()
  sandbox = await Sandbox.create({ client: new Client({ url: server.url }) })
})
afterEach(() => server.close())

test('output comes in order and exactly, of both streams', async () => {
  await using process = await sandbox.processes.start(['pour', '5000000'])
  const chunks: Uint8Array[] = []
  for await (const { bytes } of process.output()) chunks.push(bytes)
  expect(Buffer.compare(Buffer.concat(chunks), pattern(0, 5_000_000))).toBe(0)
  expect(await process.wait()).toMatchObject({ exitCode: 0 })
})

test('a reader that stops holds the process back: no more than its credit is ever sent', async () => {
  await using process = await sandbox.processes.start(['pour', '50000000'])
  const iterator = process.output()[Symbol.asyncIterator]()
  const first = await iterator.next()
  await sleep(100)
  expect(server.streams[0]?.sentBytes).toBe(INITIAL_CREDIT_BYTES)
  expect(first.done).toBe(false)
})

test('waiting for the end without reading does not hang', async () => {
  await using process = await sandbox.processes.start(['pour', '5000000'])
  expect(await process.wait()).toMatchObject({ exitCode: 0 })
})

test('output has one reader', async () => {
  await using process = await sandbox.processes.start(['echo'])
  process.output()
  expect(() => process.output()).toThrow(expect.objectContaining({ code: 'output.taken' }))
})

test('what is written arrives exactly, and waits while the process does not read', async () => {
  server.programs['late'] = async ({ input, write }) => {
    await sleep(50)
    let total = 0
    for await (const chunk of input) total += chunk.length
    await write('stdout', String(total))
    return { exitCode: 0 }
  }
  await using process = await sandbox.processes.start(['late'], { stdin: true })
  let done = false
  const writing = process.stdin.write(Buffer.alloc(3 * INITIAL_CREDIT_BYTES)).then(() => {
    done = true
  })
  await sleep(20)
  expect(done).toBe(false)
  await writing
  await process.stdin.end()
  for await (const { bytes } of process.output()) expect(String(bytes)).toBe(String(3 * INITIAL_CREDIT_BYTES))
})

test('writing to a process that has ended is an error', async () => {
  await using process = await sandbox.processes.start(['exit', '0'], { stdin: true })
  await process.wait()
  await expect(process.stdin.write('x')).rejects.toMatchObject({ code: 'process.ended' })
})

test('a process that was started without input takes none', async () => {
  await using process = await sandbox.processes.start(['wait'])
  await expect(process.stdin.write('x')).rejects.toMatchObject({ code: 'argument.invalid' })
  await process.stdin.end()
})

test('signals and sizes reach it', async () => {
  await using process = await sandbox.processes.start(['size'], { tty: { cols: 80, rows: 24 } })
  let text = ''
  for await (const { bytes } of process.output()) {
    text += String(bytes)
    if (!text.includes('132')) await process.resize({ cols: 132, rows: 50 })
  }
  expect(text).toBe('{"cols":80,"rows":24}\n{"cols":132,"rows":50}')
  await using waiting = await sandbox.processes.start(['wait'])
  await waiting.signal('SIGUSR1')
  expect(await waiting.wait()).toMatchObject({ signal: 'SIGUSR1' })
})

test('kill ends it with SIGKILL', async () => {
  await using process = await sandbox.processes.start(['wait'])
  expect(await process.kill()).toMatchObject({ exitCode: null, signal: 'SIGKILL' })
})

test('a lost connection is told to whoever waits', async () => {
  await using process = await sandbox.processes.start(['wait'], { stdin: true })
  const waiting = process.wait()
  await server.close()
  await expect(waiting).rejects.toMatchObject({ code: 'server.unreachable' })
  await expect(process.stdin.write('x')).rejects.toMatchObject({ code: 'server.unreachable' })
  server = await FakeServer.listen()
})

test('destroySandbox resolves when the sandbox is gone', async () => {
  await using process = await sandbox.processes.start(['exit', '3'], { destroySandbox: true })
  expect(await process.wait()).toMatchObject({ exitCode: 3 })
  expect(server.sandboxes.size).toBe(0)
})

test('a stream to a sandbox that is not there is the error of the server', async () => {
  await sandbox.destroy()
  await expect(sandbox.processes.start(['echo'])).rejects.toMatchObject({ code: 'sandbox.not_found' })
})
