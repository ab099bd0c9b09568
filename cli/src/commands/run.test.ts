// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { pattern } from '../../../sdk/typescript/test/fake-programs.ts'
import { FakeServer } from '../../../sdk/typescript/test/fake-server.ts'
import { resultOf, runCliProcess, spawnCli } from '../../test/spawn-cli.ts'

let server: FakeServer
beforeEach(async () => {
  server = await FakeServer.listen()
})
afterEach(() => server.close())

const isola = (args: string[], stdin?: string | Uint8Array) =>
  runCliProcess(args, { url: server.url, ...(stdin === undefined ? {} : { stdin }) })

describe('exit codes', () => {
  test.concurrent.each<[string[], number, string]>([
    [['exit', '0'], 0, ''],
    [['exit', '7'], 7, ''],
    [['die', 'SIGSEGV'], 139, ''],
    [['slow'], 124, 'isola: timed out after 2s\nhint: give it more with --timeout\n'],
    [['oom'], 137, 'isola: out of memory: killed at its limit of 64 MiB\nhint: give it more with --memory\n'],
    [['nonsense'], 127, 'isola: start nonsense: not found\nhint: check the name and the PATH inside the sandbox\n'],
    [
      ['notexecutable'],
      126,
      'isola: start notexecutable: permission denied\nhint: check the mode of the file and its interpreter line\n',
    ],
  ])('run -- %j', async (command, code, stderr) => {
    await using own = await FakeServer.listen()
    const result = await runCliProcess(['run', '--timeout', '2s', '--memory', '64m', '--', ...command], {
      url: own.url,
    })
    expect(result).toMatchObject({ code, stderr })
    expect(own.sandboxes.size).toBe(0)
  })

  test.each([
    [['run', '--memory', '-5', '--', 'echo'], 125, /^isola: --memory: "-5" cannot be used\nhint: write a size.*\n$/],
    [['run', '--net', 'github', '--', 'echo'], 125, /^isola: --net: the rule "github" is no preset\nhint: .*\n$/],
    [['run'], 125, /^isola: missing required argument 'command'\nhint: see `isola run --help`\n$/],
    [['ls', '--nonsense'], 2, /^isola: unknown option '--nonsense'\nhint: see `isola ls --help`\n$/],
    [['lx'], 2, /^isola: unknown command 'lx'\nhint: Did you mean ls\?\n$/],
    [['help', 'lx'], 2, /^isola: unknown command 'lx'\nhint: Did you mean ls\?\n$/],
    [['inspect', 'nobody'], 1, /^isola: find sandbox nobody\nhint: list the sandboxes with `isola ls`\n$/],
  ])('bad input %j is one line and a hint', async (args, code, stderr) => {
    expect(await isola(args)).toMatchObject({ code, stderr: expect.stringMatching(stderr), stdout: Buffer.alloc(0) })
  })

  test('a dead server is one line and a hint', async () => {
    const result = await runCliProcess(['run', '--', 'echo'], { url: 'unix:/nonexistent/isolad.sock' })
    expect(result.code).toBe(125)
    expect(result.stderr).toMatch(
      /^isola: connect to \/nonexistent\/isolad.sock: .*\nhint: start it with `isola serve`, or check ISOLA_URL\n$/,
    )
  })
})

describe('bytes', () => {
  test('output is exact, and each stream keeps to itself', async () => {
    const { stdout } = await isola(['run', 'pour', '5000000'])
    expect(Buffer.compare(stdout, pattern(0, 5_000_000))).toBe(0)
    expect(await isola(['run', 'warn', 'careful'])).toMatchObject({
      stdout: Buffer.alloc(0),
      stderr: 'careful\n',
      code: 1,
    })
  })

  test('input is exact, to its end', async () => {
    const bytes = pattern(0, 5_000_000)
    const { stdout, code } = await isola(['run', '--', 'cat'], bytes)
    expect(code).toBe(0)
    expect(Buffer.compare(stdout, bytes)).toBe(0)
  })

  test('a reader that goes away ends it without a word', async () => {
    const child = spawnCli(['run', 'pour', '500000000'], { url: server.url })
    child.stdout?.once('data', () => child.stdout?.destroy())
    child.stdin?.end()
    let stderr = ''
    child.stderr?.on('data', (chunk: Buffer) => {
      stderr += String(chunk)
    })
    const [code] = (await once(child, 'exit')) as [number]
    expect({ code, stderr }).toEqual({ code: 141, stderr: '' })
    expect(server.sandboxes.size).toBe(0)
  })
})

describe('signals', () => {
  test('Ctrl-C goes to the command; what it makes of it is the exit code', async () => {
    const child = spawnCli(['run', 'wait'], { url: server.url })
    child.stdout?.once('data', () => child.kill('SIGINT'))
    expect(await resultOf(child)).toMatchObject({ code: 130, stderr: '' })
    expect(server.sandboxes.size).toBe(0)
  })

  test('the second Ctrl-C ends everything at once', async () => {
    const child = spawnCli(['run', 'stubborn'], { url: server.url })
    child.stdout?.on('data', () => child.kill('SIGINT'))
    server.programs['stubborn'] = async ({ signalled, write }) => {
      await write('stdout', 'one\n')
      const first = await signalled()
      // What comes at once is taken for the same one.
      await sleep(200)
      await write('stdout', first)
      return new Promise(() => undefined)
    }
    expect(await resultOf(child)).toMatchObject({ code: 130, stderr: '' })
    expect(server.sandboxes.size).toBe(0)
  })

  test.each([
    ['SIGTERM', 15],
    ['SIGHUP', 1],
    ['SIGQUIT', 3],
    ['SIGUSR1', 10],
    ['SIGUSR2', 12],
  ] as const)('%s goes to the command, which may end in its own way', async (signal, number) => {
    server.programs['tidy'] = async ({ signalled, write }) => {
      await write('stdout', 'one\n')
      await write('stdout', `${await signalled()} tidied\n`)
      return { exitCode: 42 }
    }
    for (const [program, code, said] of [
      ['tidy', 42, `one\n${signal} tidied\n`],
      ['wait', 128 + number, 'waiting\n'],
    ] as const) {
      const child = spawnCli(['run', program], { url: server.url })
      child.stdout?.once('data', () => child.kill(signal))
      expect(await resultOf(child)).toMatchObject({ code, stdout: Buffer.from(said), stderr: '' })
      expect(server.sandboxes.size).toBe(0)
    }
  })

  test('the same signal twice at once, as `timeout` sends it, is sent in once and is no insisting', async () => {
    server.programs['count'] = async ({ signalled, write }) => {
      await write('stdout', 'one\n')
      const signals = [await signalled()]
      void signalled().then((second) => signals.push(second))
      await sleep(200)
      await write('stdout', signals.join(' '))
      return { exitCode: 0 }
    }
    const child = spawnCli(['run', 'count'], { url: server.url })
    child.stdout?.once('data', () => {
      child.kill('SIGTERM')
      child.kill('SIGTERM')
    })
    expect(await resultOf(child)).toMatchObject({ code: 0, stdout: Buffer.from('one\nSIGTERM') })
  })

  test('a command that does not end after SIGTERM is ended', { timeout: 30_000 }, async () => {
    server.programs['deaf'] = async ({ write }) => {
      await write('stdout', 'one\n')
      return new Promise(() => undefined)
    }
    const child = spawnCli(['run', 'deaf'], { url: server.url })
    child.stdout?.once('data', () => child.kill('SIGTERM'))
    expect(await resultOf(child)).toMatchObject({ code: 143, stderr: '' })
    expect(server.sandboxes.size).toBe(0)
  })

  test('a signal before there is a command ends everything', async () => {
    server.holdNext = Promise.withResolvers<void>().promise
    const child = spawnCli(['run', 'wait'], { url: server.url })
    await expect.poll(() => server.requests.length).toBe(1)
    child.kill('SIGTERM')
    expect(await resultOf(child)).toMatchObject({ code: 143, stderr: '' })
  })
})

test('options reach the sandbox and the process', async () => {
  const options = [
    '-e',
    'A=1',
    '--env',
    'B=x=y',
    '--workdir',
    '/srv',
    '--user',
    'root',
    '--timeout',
    '5s',
    '--no-stdin',
  ]
  const limits = [
    '--cpus',
    '0.5',
    '--memory',
    '1g',
    '--disk',
    '10m',
    '--pids',
    '50',
    '--open-files',
    '64',
    '--label',
    'k=v',
    '--keep',
  ]
  const { stdout, stderr, code } = await isola(['run', ...options, ...limits, '--', 'environment', '--json'])
  expect(code).toBe(0)
  expect(JSON.parse(String(stdout))).toMatchObject({
    argv: ['environment', '--json'],
    cwd: '/srv',
    user: 'root',
    timeoutMs: 5000,
    stdin: false,
  })
  const [sandbox] = [...server.sandboxes.values()]
  expect(sandbox?.info).toMatchObject({
    ephemeral: false,
    labels: { k: 'v' },
    resources: { cpus: 0.5, memoryMib: 1024, diskMib: 10, pids: 50, openFiles: 64 },
  })
  expect(stderr).toBe(`isola: kept sandbox ${sandbox?.info.id}\n`)
})

test('--json gives one object with output, end and isolation', async () => {
  const { stdout, code } = await isola(['run', '--json', '--', 'warn', 'careful'])
  expect(code).toBe(1)
  expect(JSON.parse(String(stdout))).toMatchObject({
    exitCode: 1,
    stderr: { text: 'careful\n' },
    sandbox: { isolation: 'fake (nothing is isolated)' },
  })
})

test('--json gives errors as JSON too', async () => {
  const { stdout, stderr, code } = await isola(['run', '--json', '--', 'nonsense'])
  expect({ code, stderr }).toEqual({ code: 127, stderr: '' })
  expect(JSON.parse(String(stdout))).toMatchObject({ error: { code: 'process.program_not_found' } })
})

test('--verbose names the isolation first', async () => {
  const { stderr } = await isola(['run', '-v', '--', 'warn', 'x'])
  expect(stderr).toMatch(/^isola: fake \(nothing is isolated\), sandbox sb\d+\nx\n$/)
})

test('--copy brings files in before the command starts', async () => {
  server.programs['look'] = async ({ write }) => {
    await write('stdout', [...server.sandboxes.values()].flatMap(({ files }) => [...files.keys()]).join(' '))
    return { exitCode: 0 }
  }
  const { stdout } = await isola(['run', '--copy', `${import.meta.filename}:/srv/x.ts`, '--', 'look'])
  expect(String(stdout)).toBe('/srv/x.ts')
})

test('exec runs in a sandbox that stays', async () => {
  await isola(['create', '--name', 'lab'])
  expect(await isola(['exec', '-e', 'A=1', 'lab', '--', 'environment'])).toMatchObject({ code: 0 })
  expect(String((await isola(['exec', 'lab', 'cat'], 'in')).stdout)).toBe('in')
  expect(await isola(['exec', 'lab', '--', 'exit', '9'])).toMatchObject({ code: 9 })
  expect(await isola(['exec', 'nobody', '--', 'exit', '9'])).toMatchObject({ code: 125 })
  expect(server.sandboxes.size).toBe(1)
})
