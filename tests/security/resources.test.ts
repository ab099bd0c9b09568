// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect } from 'vitest'
import { residentMib } from '../support/resident-memory.ts'
import { onEachDriver } from '../support/world.ts'

const FLOODS = 20
/** Of the credit windows of all of them, in server and client, and of what a busy server holds besides. */
const FLOODS_MOST_MIB = 128
const FORK_BOMB = `
import os, signal, sys
children = 0
try:
    while children < 100000:
        if os.fork() == 0:
            signal.pause()
        children += 1
except OSError as error:
    print(error.strerror, children, flush=True)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.killpg(0, signal.SIGTERM)
`
const DESCRIPTOR_BOMB = `
import os
held = []
try:
    while len(held) < 10_000_000:
        held.append(os.open("/dev/null", os.O_RDONLY))
except OSError as error:
    print(error.strerror, len(held))
`

describe('using up the host', () => {
  onEachDriver((world) => {
    for (const user of ['user', 'root'] as const) {
      world.test(`a fork bomb as ${user}: ends at the limit and nobody else notices`, async ({ skip }) => {
        if (user === 'root') await world.requireRootInside(skip)
        await world.requireLimit('pids', skip)
        await using sandbox = await world.create({ pids: 64 })
        const result = await sandbox.run(['python3', '-c', FORK_BOMB], { user, timeoutMs: 60_000 })
        expect(result.stdout).toMatch(/^Resource temporarily unavailable \d+\n/)
        expect(Number(result.stdout.split(' ').at(-1))).toBeLessThan(64)
        const neighbour = await world.shared()
        expect(await neighbour.read(['echo', 'alive'])).toBe('alive')
        expect(await sandbox.files.exists('/etc/passwd')).toBe(true)
      })

      world.test(`a memory bomb as ${user}: is ended and the neighbour answers meanwhile`, async ({ skip }) => {
        if (user === 'root') await world.requireRootInside(skip)
        await world.requireLimit('memory', skip)
        await using sandbox = await world.create({ memoryMib: 64 })
        const bomb = sandbox.run(['python3', '-c', 'held = []\nwhile True: held.append(bytearray(1 << 20))'], { user })
        const neighbour = await world.shared()
        expect(await neighbour.read(['echo', 'alive'])).toBe('alive')
        expect(await bomb).toMatchObject({ signal: 'SIGKILL', exitCode: null, oomKilled: true, timedOut: false })
        expect(await sandbox.read(['echo', 'alive'])).toBe('alive')
      })

      world.test(`a disk bomb as ${user}: meets its own end of the disk`, async ({ skip }) => {
        if (user === 'root') await world.requireRootInside(skip)
        await world.requireLimit('disk', skip)
        await using sandbox = await world.create({ diskMib: 32 })
        const bomb = await sandbox.run('cat /dev/zero > /home/user/bomb; sync', { user, timeoutMs: 60_000 })
        expect(bomb.stderr).toMatch(/No space left on device|Disk quota exceeded/)
        const neighbour = await world.shared()
        expect(await neighbour.read('echo room > /tmp/room && cat /tmp/room')).toBe('room')
      })

      world.test(`all descriptors as ${user}: end at the limit of one process`, async ({ skip }) => {
        if (user === 'root') await world.requireRootInside(skip)
        await world.requireLimit('openFiles', skip)
        await using sandbox = await world.create({ openFiles: 128 })
        const result = await sandbox.run(['python3', '-c', DESCRIPTOR_BOMB], { user })
        expect(result.stdout).toMatch(/^Too many open files 12\d\n$/)
        expect(await sandbox.read(['echo', 'alive'])).toBe('alive')
      })

      world.test(`memory of shared files as ${user}: /dev/shm has an end`, async ({ skip }) => {
        if (user === 'root') await world.requireRootInside(skip)
        await using sandbox = await world.create()
        const size = await sandbox.read('df -k --output=size /dev/shm | tail -1', { user })
        // A tmpfs without a size may take half of the memory of the host.
        expect(Number(size)).toBeLessThanOrEqual(1024 * 1024)
      })
    }

    world.test('output that nobody reads: neither fills the server nor stops signals', async () => {
      await using sandbox = await world.create()
      const before = residentMib(world.server.pid)
      const floods = await Promise.all(Array.from({ length: FLOODS }, () => sandbox.start(['yes'])))
      // Each would have written far more than all of them may hold together.
      await sleep(1000)
      expect(residentMib(world.server.pid) - before).toBeLessThan(FLOODS_MOST_MIB)
      expect(await sandbox.read(['echo', 'alive'])).toBe('alive')
      for (const flood of floods) await flood.signal('SIGTERM')
      for (const flood of floods) expect(await flood.wait()).toMatchObject({ signal: 'SIGTERM' })
    })

    world.test('an argument of 200 kB: is refused by the kernel, and told as that', async () => {
      const sandbox = await world.shared()
      await expect(sandbox.run(['echo', 'x'.repeat(200_000)])).rejects.toMatchObject({
        code: 'request.invalid',
        message: expect.stringMatching(/^start echo: pass arguments: Arg.* too long/),
      })
      expect(await sandbox.read(['echo', 'alive'])).toBe('alive')
    })

    world.test('an environment of 400 kB: is passed', async () => {
      const sandbox = await world.shared()
      const env = Object.fromEntries(Array.from({ length: 2000 }, (_, index) => [`V${index}`, 'y'.repeat(200)]))
      expect(await sandbox.read('echo ${#V1999}', { env })).toBe('200')
    })

    world.test('a thousand short processes: leave nothing in the table of processes', async () => {
      await using sandbox = await world.create()
      expect(
        await sandbox.read('i=0; while [ $i -lt 1000 ]; do (exit 3) & i=$((i+1)); done; wait; echo done', {
          timeoutMs: 60_000,
        }),
      ).toBe('done')
      expect(await sandbox.read('grep -l "^State:.Z" /proc/[0-9]*/status 2>/dev/null | wc -l')).toBe('0')
    })
  })
})
