// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'
import { Operation } from '@isola/core'
import { describe, expect, test } from 'vitest'
import { launcherFixture } from '../test/launcher-fixture.ts'

const operation = (timeoutMs = 8000): Operation => new Operation('test', { timeoutMs })
const failing = (code: string, message = ''): unknown =>
  expect.objectContaining({ code, message: expect.stringContaining(message) as string }) as unknown

describe('the launcher', () => {
  test('is started by the first request and serves the next ones', async () => {
    await using fixture = launcherFixture()
    const found = await fixture.launcher.call('maskscan', { path: '/usr' }, operation())
    expect(found.entries).toEqual([{ path: '/usr/secret', type: 'file' }])
    await Promise.all([1, 2, 3].map(() => fixture.launcher.call('list', {}, operation())))
    expect(fixture.starts()).toHaveLength(1)
  })

  test('that is alive already is found, not started again', async () => {
    await using fixture = launcherFixture()
    await fixture.launcher.call('list', {}, operation())
    await fixture.launcher.close()
    await fixture.another().call('list', {}, operation())
    expect(fixture.starts()).toHaveLength(1)
  })

  test('is started once when two servers need it at the same time', async () => {
    await using fixture = launcherFixture()
    await Promise.all([fixture.launcher, fixture.another()].map((launcher) => launcher.call('list', {}, operation())))
    expect(fixture.starts()).toHaveLength(1)
  })

  test('that dies under a request is started anew, and what can be asked twice is asked again', async () => {
    await using fixture = launcherFixture()
    await fixture.launcher.call('list', {}, operation())
    // The fake dies of every `stats`, so the second one fails too: with an error that says to try again.
    const failure = await fixture.launcher
      .call('stats', { sandboxId: 'sb' }, operation())
      .catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'host.launcher_failed', retryable: true })
    await expect(fixture.launcher.call('list', {}, operation())).resolves.toEqual({ sandboxes: [] })
    expect(fixture.starts()).toHaveLength(3)
  })

  test('that is just going when it is found is replaced', async () => {
    await using fixture = launcherFixture()
    const going = createServer((socket) => {
      going.close()
      socket.destroy()
    })
    await new Promise<void>((resolve) => going.listen(path.join(fixture.state, 'launcher.sock'), resolve))
    await expect(fixture.launcher.call('list', {}, operation())).resolves.toEqual({ sandboxes: [] })
    expect(fixture.starts()).toHaveLength(1)
  })

  test('that cannot start says why in one line', async () => {
    await using fixture = launcherFixture('broken')
    const call = fixture.launcher.call('list', {}, operation())
    await expect(call).rejects.toEqual(failing('host.launcher_failed', 'cannot open /dev/loop-control'))
  })

  test('refusing an operation keeps its code', async () => {
    await using fixture = launcherFixture()
    const call = fixture.launcher.call('freeze', { sandboxId: 'sb' }, operation())
    await expect(call).rejects.toEqual(failing('request.unknown_operation'))
  })

  test('is started anew when it is to be renewed', async () => {
    await using fixture = launcherFixture()
    await fixture.launcher.renew(operation())
    await fixture.launcher.call('list', {}, operation())
    await fixture.launcher.renew(operation())
    await expect(fixture.launcher.call('list', {}, operation())).resolves.toEqual({ sandboxes: [] })
    expect(fixture.starts()).toHaveLength(2)
  })

  test('is asked to leave when nothing needs it', async () => {
    await using fixture = launcherFixture()
    await fixture.launcher.call('list', {}, operation())
    await fixture.launcher.shutDown(operation())
    expect(readdirSync(fixture.state)).not.toContain('launcher.sock')
    await expect(fixture.launcher.call('list', {}, operation())).rejects.toEqual(failing('server.closing'))
  })
})

test('facts that were written while no server was there are told once', async () => {
  await using fixture = launcherFixture()
  const exits = path.join(fixture.state, 'exits')
  mkdirSync(exits)
  writeFileSync(path.join(exits, 'sb1.json'), '{"sandboxId":"sb1","status":9}')
  writeFileSync(path.join(exits, 'sb2.json'), '{"sandboxId"')
  await fixture.launcher.call('list', {}, operation())
  expect(fixture.exits).toMatchObject([{ sandboxId: 'sb1', status: 9 }])
  expect(readdirSync(exits)).toEqual([])
})
