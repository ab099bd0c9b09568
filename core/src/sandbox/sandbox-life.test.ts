// SPDX-License-Identifier: Apache-2.0
import { Channel, IsolaError } from '@isola/protocol'
import { describe, expect, test } from 'vitest'
import { settle } from '../../test/manual-clock.ts'
import { processSpec, readAll } from '../../test/process-spec.ts'
import { createRequest, operation, type TestDomain, testDomain } from '../../test/test-domain.ts'

const failing = (code: string): unknown => expect.objectContaining({ code }) as unknown

/** A new server over what an earlier one left. */
async function restarted(earlier: TestDomain): Promise<TestDomain & { report: unknown }> {
  const next = testDomain({ driver: earlier.driver, memory: earlier.store })
  const report = await next.domain.start(operation())
  await settle()
  return { ...next, report }
}

describe('using a sandbox', () => {
  test('a process runs through one link, made once', async () => {
    const { domain, driver } = testDomain()
    const { id } = await domain.create(createRequest({ name: 'box' }), operation())
    expect(domain.get(id).agentGeneration).toBe(1)
    driver.agentOf(id).operations.set('process.start', (agent, requestId) => {
      agent.respond(requestId, { pid: 2 })
      void agent.stream(requestId, Channel.output, new TextEncoder().encode('hi')).then(() => agent.exited(requestId))
    })
    const process = await domain.startProcess('box', processSpec(), operation())
    expect((await readAll(process.stdout)).toString()).toBe('hi')
    await domain.call('box', 'agent.info', {}, operation())
    expect(driver.calls.filter((call) => call.startsWith('connect'))).toHaveLength(1)
  })

  test('a broken link is made anew by the next request', async () => {
    const { domain, driver } = testDomain()
    const { id } = await domain.create(createRequest(), operation())
    driver.agentOf(id).close()
    await settle()
    await expect(domain.call(id, 'agent.info', {}, operation())).resolves.toMatchObject({ generation: 1 })
    expect(driver.sandboxes.get(id)?.agents).toHaveLength(2)
  })

  test('what does not exist or does not run says so', async () => {
    const { domain, driver } = testDomain()
    await expect(domain.call('nope', 'agent.info', {}, operation())).rejects.toEqual(failing('sandbox.not_found'))
    const { id } = await domain.create(createRequest(), operation())
    driver.exit(id, 'its first process was ended by SIGKILL')
    const error = (await domain
      .call(id, 'agent.info', {}, operation())
      .catch((thrown: unknown) => thrown)) as IsolaError
    expect(error).toMatchObject({ code: 'sandbox.not_running', context: { state: 'failed' } })
    expect(error.message).toContain('SIGKILL')
  })

  test('an agent that does not answer is reported, and others are not held up', async () => {
    const { domain, driver } = testDomain()
    const frozen = await domain.create(createRequest(), operation())
    const lively = await domain.create(createRequest(), operation())
    driver.agentOf(frozen.id).operations.set('process.list', () => {})
    const waiting = domain.call(frozen.id, 'process.list', {}, operation({ timeoutMs: 30 }))
    await expect(domain.call(lively.id, 'agent.info', {}, operation())).resolves.toBeDefined()
    await expect(waiting).rejects.toEqual(failing('request.timed_out'))
  })
})

describe('destroying', () => {
  test('it is done once, however many ask, and leaves nothing', async () => {
    const { domain, driver, store } = testDomain()
    const { id } = await domain.create(createRequest(), operation())
    await Promise.all([domain.destroy(id, 'a', operation()), domain.destroy(id, 'b', operation())])
    expect(driver.calls.filter((call) => call.startsWith('destroy'))).toHaveLength(1)
    expect(driver.sandboxes.size + store.count()).toBe(0)
    await expect(domain.destroy(id, 'again', operation())).rejects.toEqual(failing('sandbox.not_found'))
  })

  test('a failure is recorded, and destroying can be tried again', async () => {
    const { domain, driver, store } = testDomain()
    const { id } = await domain.create(createRequest(), operation())
    driver.before.set('destroy', () => {
      throw new IsolaError('host.launcher_failed', 'umount: busy')
    })
    await expect(domain.destroy(id, 'test', operation())).rejects.toEqual(failing('host.launcher_failed'))
    expect(domain.get(id)).toMatchObject({ state: 'failed', desiredState: 'destroyed' })
    expect(domain.get(id).transitions.at(-1)?.reason).toBe('umount: busy')
    driver.before.clear()
    await domain.destroy(id, 'test', operation())
    expect(store.count()).toBe(0)
  })

  test('what died is found by its name until another has it, and can be removed beside it', async () => {
    const { domain, driver } = testDomain()
    const old = await domain.create(createRequest({ name: 'dev' }), operation())
    driver.exit(old.id, 'its first process ended')
    expect(domain.get('dev')).toMatchObject({ id: old.id, state: 'failed' })
    const young = await domain.create(createRequest({ name: 'dev' }), operation())
    expect(domain.get('dev').id).toBe(young.id)
    await domain.destroy(old.id, 'test', operation())
    expect([...driver.sandboxes.keys()]).toEqual([young.id])
    expect(domain.get('dev').state).toBe('running')
  })

  test('one that is being removed leaves its name to the next', async () => {
    const { domain, driver } = testDomain()
    const old = await domain.create(createRequest({ name: 'dev' }), operation())
    const hung = Promise.withResolvers<void>()
    driver.before.set('destroy', () => hung.promise)
    const removal = domain.destroy('dev', 'test', operation())
    const young = await domain.create(createRequest({ name: 'dev' }), operation())
    hung.reject(new IsolaError('host.launcher_failed', 'umount: busy'))
    await expect(removal).rejects.toEqual(failing('host.launcher_failed'))
    expect([domain.get('dev').id, domain.get(old.id).state]).toEqual([young.id, 'failed'])
    driver.before.clear()
    await domain.destroy(old.id, 'again', operation())
    expect(domain.get('dev').id).toBe(young.id)
  })

  test('the record goes in one step: a kill at any moment leaves none that nobody can remove', async () => {
    const { domain, store } = testDomain()
    const { id } = await domain.create(createRequest(), operation())
    const states: string[] = []
    const update = store.update.bind(store)
    store.update = (target, change) => {
      if (change.state !== undefined) states.push(change.state)
      update(target, change)
    }
    await domain.destroy(id, 'test', operation())
    expect(states).toEqual(['stopping'])
    expect(store.count()).toBe(0)
  })

  test('who stops waiting does not stop it', async () => {
    const { domain, driver, store } = testDomain()
    const { id } = await domain.create(createRequest(), operation())
    let finish = (): void => {}
    driver.before.set(
      'destroy',
      () =>
        new Promise((resolve) => {
          finish = resolve
        }),
    )
    await expect(domain.destroy(id, 'test', operation({ timeoutMs: 10 }))).rejects.toEqual(failing('request.timed_out'))
    finish()
    await settle()
    expect(store.count()).toBe(0)
  })
})

describe('ephemeral sandboxes', () => {
  const ephemeral = createRequest({ ephemeral: true })

  test('their writes need not survive', async () => {
    const { domain, driver } = testDomain()
    const { id } = await domain.create(ephemeral, operation())
    expect(driver.sandboxes.get(id)?.spec.volatile).toBe(true)
  })

  test('one that nobody claims is destroyed after 30 s', async () => {
    const { domain, driver, store, clock } = testDomain()
    await domain.create(ephemeral, operation())
    await clock.advance(29_999)
    expect(driver.sandboxes.size).toBe(1)
    await clock.advance(1)
    expect(driver.sandboxes.size + store.count()).toBe(0)
  })

  test('a claimed one lives until 30 s after its last release', async () => {
    const { domain, driver, clock } = testDomain()
    const { id } = await domain.create(ephemeral, operation())
    const [first, second] = [domain.claim(id), domain.claim(id)]
    await clock.advance(100_000)
    first()
    first()
    await clock.advance(100_000)
    expect(driver.sandboxes.size).toBe(1)
    second()
    await clock.advance(30_000)
    expect(driver.sandboxes.size).toBe(0)
  })

  test('a lasting sandbox is never collected', async () => {
    const { domain, driver, clock } = testDomain()
    const { id } = await domain.create(createRequest(), operation())
    domain.claim(id)()
    await clock.advance(1_000_000)
    expect(driver.sandboxes.size).toBe(1)
  })

  test('one that ends by itself is removed', async () => {
    const { domain, driver, store } = testDomain()
    const { id } = await domain.create(ephemeral, operation())
    driver.exit(id, 'gone')
    await settle()
    expect(store.count()).toBe(0)
  })
})

describe('a sandbox that ends while nothing can be written', () => {
  const full = new IsolaError('host.no_space', 'write the store: no space left')

  function fill(store: TestDomain['store']): () => void {
    const update = store.update.bind(store)
    store.update = () => {
      throw full
    }
    return () => {
      store.update = update
    }
  }

  test('does not disturb who told of it, and is recorded once there is room', async () => {
    const { domain, driver, store, clock, journal } = testDomain()
    const { id } = await domain.create(createRequest(), operation())
    const makeRoom = fill(store)
    driver.exit(id, 'its first process was ended by SIGKILL')
    await clock.advance(10_000)
    expect(domain.get(id).state).toBe('running')
    expect(journal).toContain('could not record the end of a sandbox')
    makeRoom()
    await clock.advance(60_000)
    expect(domain.get(id)).toMatchObject({ state: 'failed' })
    expect(domain.get(id).transitions.at(-1)?.reason).toContain('SIGKILL')
    expect(clock.pendingTimers).toBe(0)
  })

  test('is asked about ever more seldom, and no more when the server closes', async () => {
    const { domain, driver, store, clock, journal } = testDomain()
    const { id } = await domain.create(createRequest(), operation())
    fill(store)
    driver.exit(id, 'gone')
    await clock.advance(600_000)
    expect(journal.length).toBeLessThan(20)
    await domain.close()
    expect(clock.pendingTimers).toBe(0)
  })

  test('is removed later if it was ephemeral, also when nobody claimed it', async () => {
    const { domain, driver, store, clock } = testDomain()
    const ended = await domain.create(createRequest({ ephemeral: true }), operation())
    await domain.create(createRequest({ ephemeral: true }), operation())
    const makeRoom = fill(store)
    driver.exit(ended.id, 'gone')
    await clock.advance(40_000)
    expect(store.count()).toBe(2)
    makeRoom()
    await clock.advance(60_000)
    expect(store.count() + driver.sandboxes.size).toBe(0)
  })
})

describe('a restarted server', () => {
  test('keeps what lives, without asking any agent', async () => {
    const first = testDomain()
    const { id } = await first.domain.create(createRequest({ name: 'kept' }), operation())
    // As a frozen one: it would never greet back.
    first.driver.onAgent = (agent) => {
      agent.greetBack = () => {}
    }
    const before = first.driver.calls.length
    const { domain, report, driver } = await restarted(first)
    expect(report).toEqual({ adopted: 1, lost: 0, orphans: 0 })
    expect(domain.get('kept')).toMatchObject({ id, state: 'running' })
    expect(driver.calls.slice(before)).toEqual(['list'])
  })

  test('a kept sandbox answers through a new link', async () => {
    const first = testDomain()
    const { id } = await first.domain.create(createRequest(), operation())
    const { domain } = await restarted(first)
    await expect(domain.call(id, 'agent.info', {}, operation())).resolves.toBeDefined()
  })

  test('records what is gone, and keeps what it wrote until it is removed', async () => {
    const first = testDomain()
    const { id } = await first.domain.create(createRequest(), operation())
    const sandbox = first.driver.sandboxes.get(id)
    if (sandbox !== undefined) sandbox.alive = false
    const { domain, report, driver } = await restarted(first)
    expect(report).toMatchObject({ adopted: 0, lost: 1 })
    expect(domain.get(id).state).toBe('failed')
    expect(driver.sandboxes.has(id)).toBe(true)
    await domain.destroy(id, 'test', operation())
    expect(driver.sandboxes.size).toBe(0)
  })

  test('removes what belongs to nobody', async () => {
    const first = testDomain()
    await first.driver.prepare({ sandboxId: 'sborphan', keyHex: '', template: 'host', resources: {}, volatile: false })
    const { report, driver } = await restarted(first)
    expect(report).toMatchObject({ orphans: 1 })
    expect(driver.sandboxes.size).toBe(0)
  })

  test.each(['creating', 'stopping'] as const)('finishes what was left %s', async (state) => {
    const first = testDomain()
    const { id } = await first.domain.create(createRequest({ name: 'half' }), operation())
    first.store.update(id, { state })
    const { store, driver } = await restarted(first)
    expect(store.count() + driver.sandboxes.size).toBe(0)
  })

  test.each(['answers', 'cannot be asked'])(
    'forgets what an earlier one left destroyed (the driver %s)',
    async (how) => {
      const first = testDomain()
      const { id } = await first.domain.create(createRequest({ name: 'half' }), operation())
      first.driver.sandboxes.delete(id)
      first.store.update(id, { state: 'destroyed' })
      if (how !== 'answers') {
        first.driver.before.set('list', () => {
          throw new Error('launcher not installed')
        })
      }
      const { domain, store } = await restarted(first)
      expect([store.count(), domain.livingCount()]).toEqual([0, 0])
    },
  )

  test('collects an ephemeral sandbox that nobody claims any more', async () => {
    const first = testDomain()
    await first.domain.create(createRequest({ ephemeral: true }), operation())
    const { clock, store } = await restarted(first)
    await clock.advance(30_000)
    expect(store.count()).toBe(0)
  })

  test('gives nothing up when the driver cannot be asked', async () => {
    const first = testDomain()
    const { id } = await first.domain.create(createRequest(), operation())
    first.driver.before.set('list', () => {
      throw new Error('launcher not installed')
    })
    const { domain, journal, driver } = await restarted(first)
    expect(domain.get(id).state).toBe('running')
    expect(driver.sandboxes.size).toBe(1)
    expect(journal).toContain('could not list the sandboxes of a driver')
  })

  test('2,000 records are taken over', async () => {
    const first = testDomain()
    const { id } = await first.domain.create(createRequest(), operation())
    const record = first.store.records.get(id)
    for (let index = 0; index < 2000 && record !== undefined; index++) {
      first.store.records.set(`sb${index}`, { ...record, id: `sb${index}`, state: 'failed' })
    }
    const { domain } = await restarted(first)
    expect(domain.livingCount()).toBe(1)
  })
})

test('a server that closes refuses new sandboxes and leaves running ones alone', async () => {
  const { domain, driver } = testDomain()
  const { id } = await domain.create(createRequest(), operation())
  await domain.close()
  await expect(domain.create(createRequest(), operation())).rejects.toEqual(failing('server.closing'))
  expect(driver.sandboxes.has(id)).toBe(true)
})
