// SPDX-License-Identifier: Apache-2.0
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FakeClock } from '../../test/fake-clock.ts'
import { Activity } from './activity.ts'
import { AlreadyRunning, becomeTheOne } from './become-the-one.ts'
import { exitWhenIdle } from './idle-exit.ts'
import { takeInstanceLock } from './instance-lock.host.ts'
import { listenOnSocket, listenOnTcp } from './listen.host.ts'
import { openStateDirectory } from './state-directory.host.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'isola-life-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

describe('exitWhenIdle()', () => {
  let clock: FakeClock
  let activity: Activity
  let living: number
  let exits: number
  beforeEach(() => {
    clock = new FakeClock()
    activity = new Activity()
    living = 0
    exits = 0
    exitWhenIdle({ activity, clock, idleMs: 100, livingCount: () => living, exit: () => (exits += 1) })
  })

  test('ends a server that nobody ever asked anything', () => {
    clock.advance(99)
    expect(exits).toBe(0)
    clock.advance(1)
    expect(exits).toBe(1)
  })

  test('counts from the end of the last request', () => {
    clock.advance(90)
    const request = activity.begin()
    clock.advance(500)
    request[Symbol.dispose]()
    clock.advance(99)
    expect(exits).toBe(0)
    clock.advance(1)
    expect(exits).toBe(1)
  })

  test('waits for the last of several requests', () => {
    const [first, second] = [activity.begin(), activity.begin()]
    first[Symbol.dispose]()
    first[Symbol.dispose]()
    clock.advance(500)
    expect(exits).toBe(0)
    second[Symbol.dispose]()
    clock.advance(100)
    expect(exits).toBe(1)
  })

  test('stays while a sandbox lives, and notices by itself when none does', () => {
    living = 1
    clock.advance(1000)
    expect(exits).toBe(0)
    living = 0
    clock.advance(100)
    expect(exits).toBe(1)
  })
})

describe('one server per state directory', () => {
  test('the second is told the pid of the first', () => {
    const first = takeInstanceLock(directory)
    expect(takeInstanceLock(directory)).toEqual({ heldBy: process.pid })
    if ('release' in first) first.release()
    const third = takeInstanceLock(directory)
    expect(third).toHaveProperty('release')
    if ('release' in third) third.release()
  })

  test('a second one gives way as soon as the first answers', async () => {
    const lock = takeInstanceLock(directory)
    const socketPath = join(directory, 's')
    const waiting = becomeTheOne(directory, socketPath)
    const server = await listening(socketPath)
    await expect(waiting).rejects.toThrow(AlreadyRunning)
    await expect(becomeTheOne(directory, socketPath)).rejects.toThrow(
      expect.objectContaining({
        message: `another server (pid ${process.pid}) has the state directory ${directory}`,
        hint: expect.stringContaining(`end it with \`kill ${process.pid}\``),
      }),
    )
    server.close()
    if ('release' in lock) lock.release()
  })

  test('a second one takes over when the first is just going', async () => {
    const lock = takeInstanceLock(directory)
    const waiting = becomeTheOne(directory, join(directory, 's'))
    if ('release' in lock) lock.release()
    ;(await waiting).release()
  })
})

describe('listening', () => {
  test('gives the socket to nobody else, whatever the umask', async () => {
    const umask = process.umask(0)
    const server = await listening(join(directory, 's'))
    expect(statSync(join(directory, 's')).mode & 0o777).toBe(0o600)
    expect(process.umask(umask)).toBe(0)
    server.close()
  })

  test('removes a socket that nobody answers, and no other', async () => {
    const path = join(directory, 's')
    const first = await listening(path)
    await expect(listening(path)).rejects.toMatchObject({
      message: `listen on ${path}: another program listens there`,
      hint: 'end it, or set ISOLA_STATE_DIR to another directory',
    })
    expect(existsSync(path)).toBe(true)
    first.close()
    writeFileSync(path, 'precious')
    await expect(listening(path)).rejects.toThrow('it is a file, not a socket')
    expect(existsSync(path)).toBe(true)
  })

  test('replaces the socket of a server that was killed', async () => {
    const path = join(directory, 's')
    const { execFileSync } = await import('node:child_process')
    const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`
    expect(() => execFileSync(process.execPath, ['-e', script])).toThrow()
    expect(existsSync(path)).toBe(true)
    const server = await listening(path)
    server.close()
  })

  test('refuses a path that is too long for a socket', async () => {
    await expect(listening(join(directory, 'x'.repeat(100)))).rejects.toThrow(
      /the path has \d+ bytes, 107 are possible/,
    )
  })

  test('tells which port is in use and which address is none', async () => {
    const first = createServer()
    const url = await listenOnTcp(first, '127.0.0.1', 0)
    const port = Number(new URL(url).port)
    await expect(listenOnTcp(createServer(), '127.0.0.1', port)).rejects.toMatchObject({
      code: 'server.start_failed',
      message: `listen on 127.0.0.1:${port}: another program listens there`,
      hint: 'end it, or give another address with --listen',
    })
    await expect(listenOnTcp(createServer(), '203.0.113.1', 0)).rejects.toThrow('this host has no such address')
    first.close()
  })
})

describe('the state directory', () => {
  test('is made for its owner alone, and made so when it is not', () => {
    const path = join(directory, 'a', 'b')
    expect(openStateDirectory(path)).toBe(path)
    expect(statSync(path).mode & 0o777).toBe(0o700)
    chmodSync(path, 0o755)
    openStateDirectory(path)
    expect(statSync(path).mode & 0o777).toBe(0o700)
  })

  test('of somebody else is refused', () => {
    // The root directory belongs to uid 0; for root itself the case is tried in the wider tests.
    if (process.geteuid?.() !== 0) expect(() => openStateDirectory('/')).toThrow('it belongs to uid 0')
    mkdirSync(join(directory, 'd'.repeat(80)))
    expect(() => openStateDirectory(join(directory, 'd'.repeat(80)))).toThrow(/70 are possible/)
  })

  test('that cannot be made is named', () => {
    writeFileSync(join(directory, 'file'), '')
    symlinkSync('nowhere', join(directory, 'dangling'))
    for (const path of ['/proc/isola', join(directory, 'dangling', 'below')]) {
      expect(() => openStateDirectory(path)).toThrow(`open the state directory ${path}`)
    }
    expect(() => openStateDirectory(join(directory, 'file', 'below'))).toThrow(
      expect.objectContaining({ code: 'server.start_failed' }),
    )
  })
})

async function listening(path: string): Promise<Server> {
  const server = createServer()
  await listenOnSocket(server, path)
  return server
}
