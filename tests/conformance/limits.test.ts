// SPDX-License-Identifier: Apache-2.0
import { expect } from 'vitest'
import { codeOf } from '../support/failure-code.ts'
import { onEachDriver } from '../support/world.ts'
import { verifies } from './verifies.ts'

const HOG = ['python3', '-c', 'x = bytearray(10**9)']

onEachDriver((world) => {
  verifies(world, 'limit.memory', async () => {
    await using sandbox = await world.create({ memoryMib: 64 })
    for (let round = 0; round < 3; round += 1) {
      expect(await sandbox.run(HOG)).toMatchObject({ signal: 'SIGKILL', exitCode: null, oomKilled: true })
      expect(await sandbox.read(['echo', 'lives on'])).toBe('lives on')
    }
    expect(await sandbox.run('kill -9 $$')).toMatchObject({ signal: 'SIGKILL', oomKilled: false })
  })

  verifies(world, 'limit.memory-neighbour', async () => {
    await using small = await world.create({ memoryMib: 64 })
    await using large = await world.create({ memoryMib: 512 })
    const program = ['python3', '-c', 'x = bytearray(200 * 2**20); print(len(x))']
    expect(await Promise.all([small.run(program), large.run(program)])).toMatchObject([
      { oomKilled: true },
      { oomKilled: false, exitCode: 0 },
    ])
  })

  verifies(world, 'limit.memory-refused', async () => {
    await expect(world.create({ memoryMib: 64 })).rejects.toMatchObject({
      code: 'limit.unenforceable',
      message: expect.stringMatching(/memory/i),
      hint: expect.stringMatching(/\S/),
    })
  })

  verifies(world, 'limit.pids', async () => {
    await using sandbox = await world.create({ pids: 20 })
    const started = await sandbox.run('i=0; while [ $i -lt 100 ]; do sleep 1000 & i=$((i+1)); done; echo never')
    expect(started.stdout).not.toContain('never')
    expect(started.stderr).toMatch(/fork|Resource temporarily unavailable/i)
    expect(await sandbox.files.exists('/etc/passwd')).toBe(true)
    await using other = await world.create({ pids: 200 })
    expect(await other.read('i=0; while [ $i -lt 100 ]; do sleep 1000 & i=$((i+1)); done; echo all')).toBe('all')
  })

  verifies(world, 'limit.pids-refused', async () => {
    await expect(world.create({ pids: 64 })).rejects.toMatchObject({
      code: 'limit.unenforceable',
      message: expect.stringMatching(/process limit/),
      hint: expect.stringMatching(/\S/),
    })
    await using sandbox = await world.create()
    expect(sandbox.sandbox.info.resources).not.toHaveProperty('pids')
    // A runaway program of `user` ends all the same, where there is any way at all.
    if ((await world.capabilities()).limits.pids !== 'rlimit') return
    const program = 'import resource; print(resource.getrlimit(resource.RLIMIT_NPROC)[0])'
    expect(await sandbox.read(['python3', '-c', program])).toBe('4096')
  })

  verifies(world, 'limit.cpu', async () => {
    await using sandbox = await world.create({ cpus: 0.1 })
    // Four busy processes for two seconds: without a limit they use that and more.
    const used = await sandbox.read([
      'python3',
      '-c',
      `
import multiprocessing, os, time
def spin(until):
    while time.monotonic() < until: pass
until = time.monotonic() + 2
started = time.monotonic()
workers = [multiprocessing.get_context("fork").Process(target=spin, args=(until,)) for _ in range(2)]
[w.start() for w in workers]; [w.join() for w in workers]
times = os.times()
print((times.children_user + times.children_system + times.user + times.system) / (time.monotonic() - started))
`,
    ])
    expect(Number(used)).toBeLessThan(0.3)
  })

  verifies(world, 'limit.disk', async () => {
    await using sandbox = await world.create({ diskMib: 16 })
    const filled = await sandbox.run('cat /dev/zero > fill; sync')
    expect(filled.stderr).toMatch(/No space left on device|Disk quota exceeded/)
    expect(await codeOf(sandbox.files.write('more', new Uint8Array(4 * 1024 * 1024)))).toBe('file.no_space')
    await sandbox.read('rm fill; sync')
    expect(await sandbox.read('echo room > again && cat again')).toBe('room')
  })

  verifies(world, 'limit.open-files', async () => {
    await using sandbox = await world.create({ openFiles: 100 })
    expect(await sandbox.read('ulimit -n')).toBe('100')
    expect(await codeOf(sandbox.read('ulimit -n 200'))).not.toBe('ok')
  })

  verifies(world, 'limit.shown', async () => {
    const asked = {
      ...((await world.holds('memory')) ? { memoryMib: 128 } : {}),
      ...((await world.holds('pids')) ? { pids: 100 } : {}),
      openFiles: 512,
    }
    await using sandbox = await world.create(asked)
    expect(sandbox.sandbox.info.resources).toMatchObject(asked)
  })

  verifies(world, 'limit.invalid', async () => {
    for (const limit of [
      { memoryMib: -5 },
      { memoryMib: 0.5 },
      { cpus: 0 },
      { pids: 0 },
      { diskMib: -1 },
      { openFiles: 1 },
    ]) {
      expect(await codeOf(world.create(limit)), JSON.stringify(limit)).toBe('request.invalid')
    }
  })
})
