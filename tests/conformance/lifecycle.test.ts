// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto'
import { encodeFrame, FrameType } from '@isola/protocol'
import { Client, Sandbox } from '@isola/sdk'
import { expect } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { codeOf } from '../support/failure-code.ts'
import { inventory } from '../support/leak-check.ts'
import { untilOutput } from '../support/until-output.ts'
import { onEachDriver } from '../support/world.ts'
import { verifies } from './verifies.ts'

onEachDriver((world) => {
  const list = async (options: Parameters<typeof Sandbox.list>[0]): Promise<string[]> => {
    const ids: string[] = []
    for await (const { id } of Sandbox.list({ ...world.connection, ...options })) ids.push(id)
    return ids
  }

  verifies(world, 'lifecycle.create', async () => {
    const { info } = (await world.shared()).sandbox
    expect(info).toMatchObject({
      state: 'running',
      desiredState: 'running',
      template: 'host',
      driver: 'namespace',
      network: 'none',
    })
    expect(info.id).toMatch(/^sb[a-z0-9]{18}$/)
    expect(info.run).toMatchObject({ agentGeneration: 1 })
    expect(info.transitions.at(-1)).toMatchObject({ to: 'running' })
  })

  verifies(world, 'lifecycle.isolation-class', async () => {
    const { isolation, run } = (await world.shared()).sandbox.info
    const { cgroup, userns } = await world.capabilities()
    expect(isolation).toContain('namespace')
    expect(isolation).toContain(world.driver === 'namespace-root' ? 'root' : 'rootless')
    if (cgroup !== 'none') expect(isolation).toContain(cgroup)
    expect(run?.users).toBe(userns)
  })

  verifies(world, 'lifecycle.get', async () => {
    const name = `found-${Date.now()}`
    await using sandbox = await world.create({ name })
    for (const reference of [sandbox.id, name])
      expect((await Sandbox.connect(reference, world.connection)).id).toBe(sandbox.id)
    expect(await codeOf(Sandbox.connect('sb000000000000000000', world.connection))).toBe('sandbox.not_found')
    expect(await codeOf(Sandbox.connect('no-such-name', world.connection))).toBe('sandbox.not_found')
  })

  verifies(world, 'lifecycle.list', async () => {
    const mark = randomUUID()
    await using first = await world.create({ labels: { mark, n: '1' } })
    await using second = await world.create({ labels: { mark, n: '2' } })
    expect(await list({ labels: { mark } })).toEqual([first.id, second.id])
    expect(await list({ labels: { mark, n: '2' } })).toEqual([second.id])
    expect(await list({ labels: { mark }, state: 'failed' })).toEqual([])
    const client = new Client(world.connection)
    const page = (cursor?: string) =>
      client.requestJson<{ items: { id: string }[]; nextCursor: string | null }>({
        method: 'GET',
        path: '/v1/sandboxes',
        query: { label: `mark=${mark}`, limit: 1, cursor },
      })
    const one = await page()
    const two = await page(one.nextCursor ?? undefined)
    expect([one, two].flatMap(({ items }) => items.map(({ id }) => id))).toEqual([first.id, second.id])
    client.close()
  })

  verifies(world, 'lifecycle.name-unique', async () => {
    const name = `only-${Date.now()}`
    const first = await world.create({ name })
    expect(await codeOf(world.create({ name }))).toBe('sandbox.name_taken')
    await first[Symbol.asyncDispose]()
    await using again = await world.create({ name })
    expect(again.id).not.toBe(first.id)
  })

  verifies(world, 'lifecycle.template-unknown', async () => {
    const before = await list({})
    expect(await codeOf(world.create({ template: 'no-such-template' }))).toBe('template.not_found')
    expect(await codeOf(world.create({ template: '../../etc' }))).toMatch(/^(template\.not_found|request\.invalid)$/)
    expect(await list({})).toEqual(before)
  })

  verifies(world, 'lifecycle.driver-unknown', async () => {
    expect(await codeOf(world.create({ driver: 'teleport' }))).toBe('driver.not_found')
  })

  verifies(world, 'lifecycle.idempotent-create', async () => {
    const idempotencyKey = randomUUID()
    await using first = await world.create({ idempotencyKey })
    expect((await world.create({ idempotencyKey })).id).toBe(first.id)
    expect(await codeOf(world.create({ idempotencyKey, labels: { other: 'request' } }))).toBe(
      'request.idempotency_mismatch',
    )
  })

  verifies(world, 'lifecycle.env', async () => {
    await using sandbox = await world.create({ env: { GREETING: 'hello', EMPTY: '' } })
    expect(await sandbox.read('echo "$GREETING-${EMPTY+set}-$HOME-$USER"')).toBe('hello-set-/home/user-user')
    expect(await sandbox.read(['env'])).not.toMatch(/ISOLA_TEST_SECRET|ISOLA_STATE_DIR/)
  })

  verifies(world, 'lifecycle.workdir', async () => {
    expect(await (await world.shared()).read('pwd')).toBe('/home/user')
    await using sandbox = await world.create({ workdir: '/tmp' })
    expect(await sandbox.read('pwd')).toBe('/tmp')
    await sandbox.files.write('here', 'x')
    expect(await sandbox.read('cat /tmp/here')).toBe('x')
  })

  verifies(world, 'lifecycle.fresh', async () => {
    await using first = await world.create()
    await first.read('echo mine > /tmp/mark; echo mine > ~/mark')
    await using second = await world.create()
    expect(await second.read('ls -A /tmp ~ | grep -c mark; true')).toBe('0')
    await first[Symbol.asyncDispose]()
    await using third = await world.create()
    expect(await third.read('ls -A /tmp ~ | grep -c mark; true')).toBe('0')
  })

  verifies(world, 'lifecycle.many', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, () => world.create()))
    const echoes = await Promise.all(all.map((sandbox, index) => sandbox.read(['echo', String(index)])))
    expect(echoes).toEqual(all.map((_, index) => String(index)))
    expect(new Set(all.map(({ id }) => id)).size).toBe(20)
    await Promise.all(all.map((sandbox) => sandbox[Symbol.asyncDispose]()))
  })

  verifies(world, 'lifecycle.destroy', async () => {
    const sandbox = await world.create()
    await using running = await sandbox.start('setsid sleep 1000 & echo started; exec sleep 1000')
    await untilOutput(running, 'started')
    const ofIt = () => inventory(world.server).filter((found) => found.includes(sandbox.id))
    await sandbox[Symbol.asyncDispose]()
    expect(await eventually(ofIt, (found) => found.length === 0)).toEqual([])
    await expect(running.wait()).rejects.toBeInstanceOf(Error)
    expect(await list({})).not.toContain(sandbox.id)
  })

  verifies(world, 'lifecycle.destroy-twice', async () => {
    const sandbox = await world.create()
    await sandbox.sandbox.destroy()
    expect(await codeOf(sandbox.sandbox.destroy())).toBe('sandbox.not_found')
    expect(await codeOf(sandbox.run(['true']))).toBe('sandbox.not_found')
    expect(await codeOf(sandbox.files.read('/etc/passwd'))).toBe('sandbox.not_found')
  })

  verifies(world, 'lifecycle.ephemeral', async () => {
    const sandbox = await world.create({ ephemeral: true })
    const running = await sandbox.start(['echo', 'over'], { destroySandbox: true })
    expect(await running.wait()).toMatchObject({ exitCode: 0 })
    expect(await codeOf(sandbox.sandbox.refresh())).toBe('sandbox.not_found')
  })

  verifies(world, 'lifecycle.disconnect', async () => {
    await using sandbox = await world.create()
    const client = new Client(world.connection)
    // By hand, because a client that knows it is leaving says so first.
    const { socket } = await client.upgrade(`/v1/sandboxes/${sandbox.id}/stream`, undefined)
    const start = Buffer.from(JSON.stringify({ shell: 'echo $$ > pid.new; mv pid.new pid; exec sleep 1000' }))
    socket.write(encodeFrame({ epoch: 1, type: FrameType.request, id: 1, payload: start }))
    await eventually(
      () => sandbox.files.exists('pid'),
      (exists) => exists,
    )
    const pid = (await sandbox.read('cat pid')).trim()
    const left = () => sandbox.read(`kill -0 ${pid} 2>/dev/null && echo alive || echo gone`)
    expect(await left()).toBe('alive')
    socket.destroy()
    client.close()
    expect(await eventually(left, (state) => state === 'gone')).toBe('gone')
  })
})
