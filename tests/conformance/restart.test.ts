// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, readdirSync } from 'node:fs'
import { Sandbox } from '@isola/sdk'
import { expect } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { codeOf } from '../support/failure-code.ts'
import { launcherPids } from '../support/launcher.ts'
import { hostPid } from '../support/host-pid.ts'
import { Restartable } from '../support/restartable.ts'
import { onEachDriver } from '../support/world.ts'
import { verifies } from './verifies.ts'

onEachDriver((world) => {
  verifies(world, 'restart.server', async () => {
    const isola = await Restartable.start(world.driver)
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
    await using fresh = await isola.create()
    expect(await fresh.read(['echo', 'works'])).toBe('works')
    await sandbox[Symbol.asyncDispose]()
    await fresh[Symbol.asyncDispose]()
    expect(await isola.end()).toEqual([])
  })

  verifies(world, 'restart.launcher', async () => {
    const isola = await Restartable.start(world.driver)
    const sandbox = await isola.create()
    isola.killLauncher()
    expect(await sandbox.read(['echo', 'works'])).toBe('works')
    const fresh = await eventually(
      () => isola.create().catch((error: Error) => error),
      (result) => !(result instanceof Error),
    )
    if (fresh instanceof Error) throw fresh
    expect(await fresh.read(['echo', 'works'])).toBe('works')
    expect(launcherPids(isola.place.stateDirectory)).toHaveLength(1)
    await sandbox[Symbol.asyncDispose]()
    await fresh[Symbol.asyncDispose]()
    expect(await isola.end()).toEqual([])
  })

  verifies(world, 'restart.orphans', async () => {
    const isola = await Restartable.start(world.driver)
    const kept = await isola.create()
    await isola.killServer()
    // What a create leaves that was killed half-way: a directory that no record knows.
    const orphan = isola.place.directory.join('s', 'namespace', 'sandboxes', 'sb0orphan0orphan0orp')
    mkdirSync(orphan)
    await isola.startServer()
    const folder = isola.place.directory.join('s', 'namespace', 'sandboxes')
    const living = await eventually(
      () => readdirSync(folder),
      (names) => !names.includes('sb0orphan0orphan0orp'),
    )
    expect(living).not.toContain('sb0orphan0orphan0orp')
    expect(living).toContain(kept.id)
    await kept[Symbol.asyncDispose]()
    expect(await isola.end()).toEqual([])
  })

  verifies(world, 'restart.exits', async () => {
    const isola = await Restartable.start(world.driver)
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
    expect(await isola.end()).toEqual([])
  })
})
