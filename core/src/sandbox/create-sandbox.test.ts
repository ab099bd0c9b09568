// SPDX-License-Identifier: Apache-2.0
import { setImmediate as turn } from 'node:timers/promises'
import { IsolaError } from '@isola/protocol'
import { describe, expect, test } from 'vitest'
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
})
