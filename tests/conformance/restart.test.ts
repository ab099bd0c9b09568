// SPDX-License-Identifier: Apache-2.0
import { chownSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import { Sandbox } from '@isola/sdk'
import { expect } from 'vitest'
import { isRoot } from '../support/account.ts'
import { eventually } from '../support/eventually.ts'
import { codeOf } from '../support/failure-code.ts'
import { launcherPid } from '../support/launcher.ts'
import { hostPid } from '../support/host-pid.ts'
import { Restartable } from '../support/restartable.ts'
import { onEachDriver } from '../support/world.ts'
import { verifies } from './verifies.ts'

onEachDriver((world) => {
  verifies(world, 'restart.server', async () => {
    await using isola = await Restartable.start(world.driver)
    const sandbox = await isola.create({ name: 'survivor', env: { KEPT: 'yes' } })
    await sandbox.read(
      'echo kept > mark; setsid sh -c "while :; do sleep 1; done" >/dev/null 2>&1 </dev/null & echo $! > pid',
    )
    await isola.killServer()
    await isola.startServer()
    const again = await Sandbox.connect('survivor', isola.connection)
    expect(again.id).toBe(sandbox.id)
    expect(again.info).toMatchObject({ state: 'running', run: { id: sandbox.sandbox.info.run?.id } })
    expect(await sandbox.read('cat mark; echo $KEPT; kill -0 $(cat pid) && echo lives')).toBe('kept\nyes\nlives')
    const fresh = await isola.create()
    expect(await fresh.read(['echo', 'works'])).toBe('works')
    await sandbox[Symbol.asyncDispose]()
    await fresh[Symbol.asyncDispose]()
    expect(await isola.end(), isola.server.log).toEqual([])
  })

  verifies(world, 'restart.launcher', async () => {
    await using isola = await Restartable.start(world.driver)
    const sandbox = await isola.create()
    isola.killLauncher()
    expect(await sandbox.read(['echo', 'works'])).toBe('works')
    const fresh = await eventually(
      () => isola.create().catch((error: Error) => error),
      (result) => !(result instanceof Error),
    )
    if (fresh instanceof Error) throw fresh
    expect(await fresh.read(['echo', 'works'])).toBe('works')
    expect(launcherPid(isola.place.stateDirectory)).toBeTypeOf('number')
    await sandbox[Symbol.asyncDispose]()
    await fresh[Symbol.asyncDispose]()
    expect(await isola.end(), isola.server.log).toEqual([])
  })

  verifies(world, 'restart.orphans', async () => {
    await using isola = await Restartable.start(world.driver)
    const sandboxes = isola.place.directory.join('s', 'namespace', 'sandboxes')
    const forgotten = await isola.create()
    const pid = hostPid(isola.place, forgotten.id)
    await isola.killServer()
    // An empty store: no record knows the sandbox any more. And what a launcher leaves that was killed in a create.
    for (const suffix of ['', '-wal', '-shm'])
      rmSync(isola.place.directory.join('s', `isola.sqlite${suffix}`), { force: true })
    isola.killLauncher()
    const halfMade = path.join(sandboxes, 'sb0orphan0orphan0orp')
    mkdirSync(halfMade)
    if (isRoot) chownSync(halfMade, isola.place.account.uid, isola.place.account.gid)
    await isola.startServer()
    const left = () => readdirSync(sandboxes).filter((id) => id === forgotten.id || id.startsWith('sb0orphan'))
    expect(await eventually(left, (ids) => ids.length === 0)).toEqual([])
    // Ended for sure; whether somebody has looked at how is the business of the host's first process.
    expect(
      await eventually(
        () => stateOf(pid),
        (state) => state === 'gone' || state === 'Z',
      ),
    ).toMatch(/^(gone|Z)$/)
    expect(await isola.end(), isola.server.log).toEqual([])
  })

  verifies(world, 'restart.exits', async () => {
    await using isola = await Restartable.start(world.driver)
    const sandbox = await isola.create()
    const survivor = await isola.create()
    const pid = hostPid(isola.place, sandbox.id)
    await isola.killServer()
    process.kill(pid, 'SIGKILL')
    await isola.startServer()
    const state = await eventually(
      async () => (await sandbox.sandbox.refresh()).state,
      (now) => now !== 'running',
    )
    expect(state).toBe('failed')
    expect(await codeOf(sandbox.run(['true']))).toBe('sandbox.not_running')
    expect((await sandbox.sandbox.refresh()).transitions.at(-1)?.reason).toMatch(/\S/)
    expect(await survivor.read(['echo', 'works'])).toBe('works')
    await sandbox[Symbol.asyncDispose]()
    await survivor[Symbol.asyncDispose]()
    expect(await isola.end(), isola.server.log).toEqual([])
  })
})

/** One letter, as the kernel tells it. */
function stateOf(pid: number): string {
  try {
    return /^State:\t(\w)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 'gone'
  } catch {
    return 'gone'
  }
}
