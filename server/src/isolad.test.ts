// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { answers } from './lifecycle/listen.host.ts'

const PROGRAM = join(import.meta.dirname, '..', 'test', 'fake-isolad.ts')
let directory: string
const children: ChildProcess[] = []
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'isolad-'))
})
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  rmSync(directory, { recursive: true })
})

interface Line {
  readonly event: string
  readonly socket: string
  readonly error: object
}

interface Started {
  readonly child: ChildProcess
  /** The one line on its stdout. */
  readonly line: Line
  readonly exit: Promise<number | null>
  readonly stderr: () => string
}

async function isolad(...args: string[]): Promise<Started> {
  const env = { ...process.env, ISOLA_STATE_DIR: directory }
  const child = spawn(process.execPath, ['--conditions=@isola/source', PROGRAM, ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  children.push(child)
  let stderr = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString()
  })
  const exit = once(child, 'close').then(([code]) => code as number | null)
  const [line] = (await once(createInterface({ input: child.stdout as NodeJS.ReadableStream }), 'line')) as [string]
  return { child, line: JSON.parse(line) as Line, exit, stderr: () => stderr }
}

test('says that it is ready, and ends in order when told to', async () => {
  const { child, line, exit } = await isolad('serve')
  expect(line).toEqual({
    event: 'ready',
    pid: child.pid,
    version: expect.any(String),
    stateDirectory: directory,
    socket: join(directory, 'isolad.sock'),
    url: null,
    keyFile: null,
  })
  expect(await answers(line.socket)).toBe(true)
  child.kill('SIGTERM')
  expect(await exit).toBe(0)
  expect(existsSync(line.socket)).toBe(false)
})

test('started in the background it lets go of who started it', async () => {
  const { child, line } = await isolad('--auto')
  await once(child.stdout as NodeJS.ReadableStream, 'close')
  expect(await answers(line.socket)).toBe(true)
  expect(readFileSync(`/proc/${child.pid}/cmdline`, 'utf8')).toContain('--auto')
})

test('a second one points to the first', async () => {
  const first = await isolad()
  const second = await isolad()
  expect(second.line).toEqual({ event: 'already-running', socket: first.line.socket, pid: first.child.pid })
  expect(await second.exit).toBe(0)
})

test('one that was killed is replaced at once', async () => {
  const first = await isolad()
  first.child.kill('SIGKILL')
  await first.exit
  const second = await isolad()
  expect(second.line).toMatchObject({ event: 'ready', pid: second.child.pid })
  expect(readFileSync(join(directory, 'isolad.pid'), 'utf8')).toBe(`${second.child.pid}\n`)
})

test.each([
  ['an unknown option', ['--nope'], 'request.invalid', '--nope'],
  ['an unknown command', ['destroy'], 'request.invalid', 'destroy'],
  ['an address that is none', ['--listen', 'nowhere'], 'request.invalid', 'nowhere'],
])('%s fails in one line', async (_what, args, code, named) => {
  const { line, exit, stderr } = await isolad(...args)
  expect(line).toMatchObject({
    event: 'failed',
    error: { code, message: expect.stringContaining(named), hint: expect.any(String) },
  })
  expect(await exit).toBe(1)
  expect(stderr()).not.toMatch(/^ +at /m)
})

test('a corrupt store fails in one line that names it', async () => {
  writeFileSync(join(directory, 'isola.sqlite'), 'x'.repeat(5000))
  const { line, exit, stderr } = await isolad()
  expect(line.error).toMatchObject({ code: 'host.store_corrupt', context: { path: join(directory, 'isola.sqlite') } })
  expect(await exit).toBe(1)
  expect(stderr()).not.toMatch(/^ +at /m)
})

test('doctor reports without a server, and repairs on request', async () => {
  const { line, exit } = await isolad('doctor', '--fix', '--json')
  expect(line).toMatchObject({
    drivers: [{ driver: 'fake', available: false }],
    stateDirectory: directory,
    fixes: [{ id: 'fake-fix', applied: false }],
  })
  expect(await exit).toBe(1)
})
