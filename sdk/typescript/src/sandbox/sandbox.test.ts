// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { IsolaError } from '@isola/protocol/wire'
import { collect } from '../../test/collect.ts'
import { FakeServer } from '../../test/fake-server.ts'
import { Client } from '../connection/client.ts'
import { Sandbox } from './sandbox.ts'

let server: FakeServer
let client: Client
beforeEach(async () => {
  server = await FakeServer.listen()
  client = new Client({ url: server.url })
})
afterEach(async () => {
  client.close()
  await server.close()
})

test('a sandbox lives as long as its block', async () => {
  {
    await using sandbox = await Sandbox.create({ client, name: 'one', memoryMib: 64 })
    expect(sandbox.info).toMatchObject({ name: 'one', resources: { memoryMib: 64 } })
    expect(server.sandboxes.size).toBe(1)
  }
  expect(server.sandboxes.size).toBe(0)
})

test('leaving the block of a sandbox that is gone already is no error', async () => {
  await using sandbox = await Sandbox.create({ client })
  await sandbox.destroy()
})

test('list follows the cursor to the end', async () => {
  for (let index = 0; index < 5; index++) await Sandbox.create({ client, labels: { even: String(index % 2 === 0) } })
  expect(await collect(Sandbox.list({ client }))).toHaveLength(5)
  expect(await collect(Sandbox.list({ client, labels: { even: 'true' } }))).toHaveLength(3)
})

test('what the server refuses arrives as its error', async () => {
  await Sandbox.create({ client, name: 'taken' })
  await expect(Sandbox.create({ client, name: 'taken' })).rejects.toMatchObject({
    code: 'sandbox.name_taken',
    hint: expect.stringContaining('isola rm'),
  })
  await expect(Sandbox.connect('nobody', { client })).rejects.toMatchObject({ code: 'sandbox.not_found' })
})

test('the key travels with each request', async () => {
  server.requiredKey = 'secret'
  await expect(Sandbox.create({ client })).rejects.toMatchObject({ code: 'access.key_invalid' })
  const trusted = new Client({ url: server.url, apiKey: 'secret' })
  await using sandbox = await Sandbox.create({ client: trusted })
  expect(sandbox.id).toMatch(/^sb/)
})

test('a server that is not there is named, with a hint', async () => {
  const nobody = new Client({ url: 'unix:/nonexistent/isolad.sock' })
  await expect(Sandbox.create({ client: nobody })).rejects.toMatchObject({
    code: 'server.unreachable',
    message: expect.stringContaining('/nonexistent/isolad.sock'),
    hint: expect.stringContaining('isola serve'),
  })
})

test('a kept connection that the server closed is replaced without anybody noticing', async () => {
  await client.info()
  server.dropNext = true
  const sandbox = await Sandbox.create({ client })
  expect(sandbox.id).toMatch(/^sb/)
  expect(server.sandboxes.size).toBe(1)
})

test('a create that got no answer is asked for again, because its key makes it the same one', async () => {
  server.dropNext = true
  const sandbox = await Sandbox.create({ client })
  expect(sandbox.id).toMatch(/^sb/)
  expect(server.sandboxes.size).toBe(1)
})

describe('what must not happen twice', () => {
  test('a command whose connection is lost while it runs is not run again', async () => {
    let runs = 0
    server.programs['vanish'] = async () => {
      runs++
      server.dropConnections()
      return { exitCode: 0 }
    }
    await using sandbox = await Sandbox.create({ client })
    await expect(sandbox.run(['vanish'])).rejects.toMatchObject({ code: 'server.unreachable' })
    expect(runs).toBe(1)
  })

  test.each<[string, (sandbox: Sandbox) => Promise<unknown>]>([
    ['append', (sandbox) => sandbox.files.write('/log', 'x', { append: true })],
    ['move', (sandbox) => sandbox.files.move('/a', '/b')],
    ['mkdir', (sandbox) => sandbox.files.makeDirectory('/d')],
    ['signal', (sandbox) => sandbox.processes.signal('p', 'SIGHUP')],
    ['remove', (sandbox) => sandbox.files.remove('/a')],
  ])('%s is sent once, also when its kept connection is lost', async (_, act) => {
    await using sandbox = await Sandbox.create({ client })
    server.requests.length = 0
    server.dropNext = true
    await expect(act(sandbox)).rejects.toMatchObject({ code: 'server.unreachable' })
    expect(server.requests).toHaveLength(1)
  })

  test('a file that is written whole may be sent again', async () => {
    await using sandbox = await Sandbox.create({ client })
    server.dropNext = true
    await sandbox.files.write('/a', 'x')
    expect(await sandbox.files.readText('/a')).toBe('x')
  })
})

describe('run', () => {
  test('gives the output and the way it ended in one request', async () => {
    await using sandbox = await Sandbox.create({ client })
    const result = await sandbox.run(['echo', 'hello'])
    expect(result).toMatchObject({ stdout: 'hello\n', stderr: '', exitCode: 0, signal: null, ok: true })
    expect(server.requests.at(-1)).toBe(`POST /v1/sandboxes/${sandbox.id}/run`)
  })

  test.each([
    ['exit 7', { exitCode: 7, ok: false }],
    ['die SIGSEGV', { exitCode: null, signal: 'SIGSEGV' }],
    ['oom', { oomKilled: true }],
    ['slow', { timedOut: true, ok: false }],
    ['cap', { outputCapped: true }],
  ])('%s is a result, not an exception', async (command, expected) => {
    await using sandbox = await Sandbox.create({ client })
    expect(await sandbox.run(command)).toMatchObject(expected)
  })

  test('check turns a failure into an error that holds the result', async () => {
    await using sandbox = await Sandbox.create({ client })
    await expect(sandbox.run(['warn', 'no such thing'], { check: true })).rejects.toMatchObject({
      code: 'command.failed',
      message: 'run warn no such thing: exit code 1: no such thing',
      result: { stderr: 'no such thing\n' },
    })
  })

  test('bytes that are no text stay exact', async () => {
    await using sandbox = await Sandbox.create({ client })
    const bytes = Uint8Array.from({ length: 256 }, (_, index) => index)
    const result = await sandbox.run(['cat'], { stdin: bytes })
    expect(Buffer.compare(result.stdoutBytes, bytes)).toBe(0)
  })

  test.each([['text'], [Buffer.alloc(3_000_000, 'x').toString()]])(
    'stdin of any length arrives whole',
    async (stdin) => {
      await using sandbox = await Sandbox.create({ client })
      expect((await sandbox.run(['cat'], { stdin })).stdout === stdin).toBe(true)
    },
  )

  test('a process that does not read its input ends all the same', async () => {
    await using sandbox = await Sandbox.create({ client })
    const endless = (async function* () {
      for (;;) yield Buffer.alloc(100_000)
    })()
    expect(await sandbox.run(['deaf'], { stdin: endless })).toMatchObject({ exitCode: 0 })
  })

  test('a source that breaks off ends the process and is the error', async () => {
    await using sandbox = await Sandbox.create({ client })
    // oxlint-disable-next-line require-yield
    const broken = (async function* (): AsyncGenerator<Uint8Array> {
      throw new Error('the tape tore')
    })()
    await expect(sandbox.run(['cat'], { stdin: broken })).rejects.toThrow('the tape tore')
  })

  test('callbacks get text as it comes, characters whole', async () => {
    server.programs['euro'] = async ({ write }) => {
      await write('stdout', Uint8Array.of(0xe2, 0x82))
      await write('stdout', Uint8Array.of(0xac))
      await write('stderr', 'warning')
      return { exitCode: 0 }
    }
    await using sandbox = await Sandbox.create({ client })
    const seen: string[] = []
    const result = await sandbox.run(['euro'], {
      onStdout: (text) => seen.push(text),
      onStderr: (text) => seen.push(`2:${text}`),
    })
    expect(seen).toEqual(['€', '2:warning'])
    expect(result.stdout).toBe('€')
  })

  test('aborting ends it with the reason', async () => {
    await using sandbox = await Sandbox.create({ client })
    const abort = new AbortController()
    const running = sandbox.run(['wait'], { signal: abort.signal, onStdout: () => abort.abort(new Error('enough')) })
    await expect(running).rejects.toThrow('enough')
    await expect(sandbox.run(['echo'], { signal: AbortSignal.abort(new Error('late')) })).rejects.toThrow('late')
  })

  test('a program that is not there is the error of the server', async () => {
    await using sandbox = await Sandbox.create({ client })
    await expect(sandbox.run(['nonsense'])).rejects.toSatisfy(
      (error) => IsolaError.is(error) && error.code === 'process.program_not_found',
    )
  })

  test('an empty command is refused before anything is sent', async () => {
    await using sandbox = await Sandbox.create({ client })
    await expect(sandbox.run([])).rejects.toMatchObject({ code: 'argument.invalid' })
  })
})
