// SPDX-License-Identifier: Apache-2.0
import { setImmediate as turn } from 'node:timers/promises'
import { IsolaError } from '@isola/protocol'
import { describe, expect, test } from 'vitest'
import { settle } from '../../test/manual-clock.ts'
import { createRequest, operation, testDomain } from '../../test/test-domain.ts'

const failureOf = (work: Promise<unknown>): Promise<IsolaError> =>
  work.then(
    () => Promise.reject(new Error('it succeeded')),
    (error: unknown) => (IsolaError.is(error) ? error : Promise.reject(error as Error)),
  )

describe('create', () => {
  test('a created sandbox runs, with its identity given to the agent', async () => {
    const { domain, driver } = testDomain()
    const record = await domain.create(createRequest({ name: 'web', env: { A: '1' } }), operation())

    expect(record).toMatchObject({ state: 'running', name: 'web', isolation: 'fake (none)', workdir: '/home/user' })
    expect(record.resources).toEqual({ pids: 4096, openFiles: 20_000 })
    const personality = driver.agentOf(record.id).requests[0]?.request
    expect(personality).toMatchObject({
      op: 'personalise',
      hostname: 'web',
      env: { PATH: '/usr/bin:/bin', A: '1' },
      sudo: true,
      rlimits: { openFiles: 20_000 },
    })
    expect(record.transitions.map(({ to }) => to)).toEqual(['creating', 'running'])
  })

  test('what cannot be enforced is refused before anything is made', async () => {
    const { domain, driver, store } = testDomain()
    const error = await failureOf(domain.create(createRequest({ resources: { memoryMib: 64 } }), operation()))
    expect(error.code).toBe('limit.unenforceable')
    expect(driver.calls).toEqual([])
    expect(store.count()).toBe(0)
  })

  test.each([
    ['an unknown template', { template: 'nope' }, 'template.not_found'],
    ['an unknown driver', { driver: 'nope' }, 'driver.not_found'],
  ])('%s is refused and leaves no record', async (_, change, code) => {
    const { domain, store } = testDomain()
    expect((await failureOf(domain.create(createRequest(change), operation()))).code).toBe(code)
    expect(store.count()).toBe(0)
  })

  test('a driver that does not work says why', async () => {
    const { domain, driver } = testDomain()
    driver.isAvailable = false
    const error = await failureOf(domain.create(createRequest(), operation()))
    expect(error).toMatchObject({ code: 'driver.unavailable', hint: 'switch it on' })
    expect(error.message).toContain('fake-kernel')
  })

  test('a name can be taken once, and again when its sandbox is destroyed', async () => {
    const { domain } = testDomain()
    const request = createRequest({ name: 'one' })
    await domain.create(request, operation())
    expect((await failureOf(domain.create(request, operation()))).code).toBe('sandbox.name_taken')
    await domain.destroy('one', 'test', operation())
    expect((await domain.create(request, operation())).state).toBe('running')
  })

  test.each(['prepare', 'connect', 'personalise'])(
    'a failure in %s leaves nothing but the record of it',
    async (step) => {
      const { domain, driver, store } = testDomain()
      driver.before.set(step, () => {
        throw new Error(`${step} broke`)
      })
      const error = await failureOf(domain.create(createRequest({ name: 'mine' }), operation()))
      expect(error).toMatchObject({ code: 'sandbox.create_failed', retryable: true })
      expect(error.message).toContain(`${step} broke`)
      expect(driver.sandboxes.size).toBe(0)
      const [record] = [...store.records.values()]
      expect(record).toMatchObject({ state: 'failed', name: null, ref: null })
      expect(record?.transitions.at(-1)?.reason).toContain(`${step} broke`)
      expect(domain.livingCount()).toBe(0)
    },
  )

  test('an agent that refuses to become somebody fails the create', async () => {
    const { domain, driver } = testDomain()
    driver.onAgent = (agent) =>
      agent.operations.set('personalise', (self, id) => self.fail(id, 'sandbox.already_personalised', 'twice'))
    const error = await failureOf(domain.create(createRequest(), operation()))
    expect(error.code).toBe('sandbox.already_personalised')
    expect(driver.sandboxes.size).toBe(0)
  })

  test('an agent without the key is not believed', async () => {
    const { domain, driver } = testDomain()
    driver.onAgent = (agent) => {
      agent.proofKey = new Uint8Array(32)
    }
    const error = await failureOf(domain.create(createRequest(), operation()))
    expect(error.code).toBe('sandbox.create_failed')
    expect(error.message).toContain('key')
    expect(driver.sandboxes.size).toBe(0)
  })

  test('an agent that dies while the host sets the limits leaves no sandbox that seems to run', async () => {
    const { domain, driver, store } = testDomain()
    driver.before.set('personalise', async (id) => {
      await turn()
      driver.agentOf(id).close()
      driver.exit(id, 'its first process ended')
      await turn()
    })
    const error = await failureOf(domain.create(createRequest(), operation()))
    expect(error.code).toBe('sandbox.create_failed')
    expect(store.list({ limit: 10 }).map(({ state }) => state)).toEqual(['failed'])
    expect(driver.sandboxes.size).toBe(0)
  })

  test('a caller who goes away half-way leaves nothing, even when the driver is slow', async () => {
    const { domain, driver } = testDomain()
    const abort = new AbortController()
    let finishPreparing = (): void => {}
    driver.before.set('prepare', () => {
      abort.abort()
      return new Promise((resolve) => {
        finishPreparing = resolve
        setTimeout(() => finishPreparing(), 20)
      })
    })
    const error = await failureOf(domain.create(createRequest(), operation({ signal: abort.signal })))
    expect(error.code).toBe('request.cancelled')
    expect(driver.sandboxes.size).toBe(0)
    expect(driver.calls.at(-1)).toMatch(/^destroy /)
  })

  test('destroying a sandbox that is still being made stops its making', async () => {
    const { domain, driver, store } = testDomain()
    let reached = (): void => {}
    const connecting = new Promise<void>((resolve) => {
      reached = resolve
    })
    driver.onAgent = (agent) => agent.operations.set('personalise', () => reached())
    const creating = failureOf(domain.create(createRequest({ name: 'slow' }), operation()))
    await connecting
    await domain.destroy('slow', 'test', operation())
    expect((await creating).code).toBe('request.cancelled')
    expect(store.count()).toBe(0)
    expect(driver.sandboxes.size).toBe(0)
  })
})

describe('idempotency', () => {
  test('the same key and request give the same sandbox, also at the same time', async () => {
    const { domain, driver } = testDomain()
    const request = createRequest({ labels: { b: '2', a: '1' } })
    const same = createRequest({ labels: { a: '1', b: '2' } })
    const [first, second] = await Promise.all([
      domain.create(request, operation(), 'key'),
      domain.create(same, operation(), 'key'),
    ])
    const third = await domain.create(request, operation(), 'key')
    expect([second.id, third.id]).toEqual([first.id, first.id])
    expect(driver.sandboxes.size).toBe(1)
  })

  test('the same key for another request is refused', async () => {
    const { domain } = testDomain()
    await domain.create(createRequest(), operation(), 'key')
    const error = await failureOf(domain.create(createRequest({ name: 'other' }), operation(), 'key'))
    expect(error.code).toBe('request.idempotency_mismatch')
  })

  test('a failed create can be tried again with its key', async () => {
    const { domain, driver } = testDomain()
    driver.before.set('connect', () => {
      throw new Error('not yet')
    })
    await failureOf(domain.create(createRequest(), operation(), 'key'))
    driver.before.clear()
    expect((await domain.create(createRequest(), operation(), 'key')).state).toBe('running')
  })

  /** A create that hangs in the agent until the test lets it go on. */
  function slowCreate() {
    const made = testDomain()
    const reached = Promise.withResolvers<void>()
    let goOn = (): void => {}
    made.driver.onAgent = (agent) =>
      agent.operations.set('personalise', (self, id) => {
        goOn = () => self.respond(id, {})
        reached.resolve()
      })
    return { ...made, reached: reached.promise, goOn: () => goOn() }
  }

  test('a second caller is not cancelled with the first', async () => {
    const { domain, driver, reached, goOn } = slowCreate()
    const abort = new AbortController()
    const first = failureOf(domain.create(createRequest(), operation({ signal: abort.signal }), 'key'))
    await reached
    const second = domain.create(createRequest(), operation(), 'key')
    abort.abort()
    expect((await first).code).toBe('request.cancelled')
    goOn()
    expect((await second).state).toBe('running')
    expect(driver.sandboxes.size).toBe(1)
  })

  test('a caller who comes back while the create is being given up gets a new one', async () => {
    const { domain, driver, store, reached } = slowCreate()
    const abort = new AbortController()
    const removed = Promise.withResolvers<void>()
    driver.before.set('destroy', () => removed.promise)
    const first = failureOf(domain.create(createRequest(), operation({ signal: abort.signal }), 'key'))
    await reached
    abort.abort()
    await first
    driver.onAgent = () => {}
    const second = domain.create(createRequest(), operation(), 'key')
    removed.resolve()
    const { id } = await second
    expect([...driver.sandboxes.keys()]).toEqual([id])
    expect(store.find(id)?.state).toBe('running')
  })

  test('a create that everybody has left leaves nothing on the host', async () => {
    const { domain, driver, store, reached } = slowCreate()
    const waiting = failureOf(domain.create(createRequest(), operation({ timeoutMs: 20 }), 'key'))
    await reached
    const error = await waiting
    expect(error.code).toBe('request.timed_out')
    expect(JSON.stringify(error.context)).toContain('sent personalise')
    await settle()
    expect(driver.sandboxes.size).toBe(0)
    expect([...store.records.values()].map(({ transitions }) => transitions.at(-1)?.reason)).toEqual([
      expect.stringContaining('timed out'),
    ])
  })

  test('a caller who comes while the half-made sandbox is being removed gets a new one', async () => {
    const { domain, driver, reached } = slowCreate()
    const removed = Promise.withResolvers<void>()
    const first = failureOf(domain.create(createRequest({ name: 'a' }), operation(), 'key'))
    await reached
    driver.before.set('destroy', () => removed.promise)
    const removal = domain.destroy('a', 'test', operation())
    driver.onAgent = () => {}
    const second = domain.create(createRequest({ name: 'a' }), operation(), 'key')
    removed.resolve()
    expect((await first).code).toBe('request.cancelled')
    await removal
    expect((await second).state).toBe('running')
    expect(driver.sandboxes.size).toBe(1)
  })
})
