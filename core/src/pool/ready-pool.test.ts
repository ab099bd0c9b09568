// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest'
import { settle } from '../../test/manual-clock.ts'
import { createRequest, operation, type TestDomain, testDomain } from '../../test/test-domain.ts'

async function filled(poolSize: number): Promise<TestDomain> {
  const made = testDomain({ poolSize })
  await made.domain.start(operation())
  await made.clock.advance(1000)
  return made
}
const prepares = ({ driver }: TestDomain): number => driver.calls.filter((call) => call.startsWith('prepare')).length

describe('the ready pool', () => {
  test('is filled in the background, one after the other', async () => {
    const pooled = testDomain({ poolSize: 3 })
    let atOnce = 0
    let most = 0
    pooled.driver.before.set('connect', async () => {
      most = Math.max(most, ++atOnce)
      await Promise.resolve()
      atOnce -= 1
    })
    await pooled.domain.start(operation())
    await pooled.clock.advance(1000)
    expect(pooled.domain.readyCount()).toBe(3)
    expect(most).toBe(1)
    expect(pooled.store.count()).toBe(0)
    expect(pooled.domain.livingCount()).toBe(0)
  })

  test('a hit takes a blank as it is and makes it somebody`s', async () => {
    const pooled = await filled(1)
    const before = prepares(pooled)
    const record = await pooled.domain.create(createRequest({ name: 'mine', resources: { pids: 9 } }), operation())
    expect(record.state).toBe('running')
    expect(prepares(pooled)).toBe(before)
    expect(pooled.driver.personalised).toMatchObject([{ id: record.id, resources: { pids: 9, openFiles: 20_000 } }])
    expect(pooled.driver.sandboxes.get(record.id)?.agents).toHaveLength(1)
    await expect(pooled.domain.call('mine', 'agent.info', {}, operation())).resolves.toBeDefined()
  })

  test('is refilled after a quiet moment, not at once', async () => {
    const pooled = await filled(1)
    await pooled.domain.create(createRequest(), operation())
    await pooled.clock.advance(10)
    expect(pooled.domain.readyCount()).toBe(0)
    await pooled.clock.advance(20)
    expect(pooled.domain.readyCount()).toBe(1)
  })

  test('a dead blank is passed over and removed', async () => {
    const pooled = await filled(2)
    const [dead] = [...pooled.driver.sandboxes.keys()]
    pooled.driver.agentOf(dead as string).close()
    await settle()
    const record = await pooled.domain.create(createRequest(), operation())
    expect(record.id).not.toBe(dead)
    expect(pooled.driver.sandboxes.has(dead as string)).toBe(false)
  })

  test('a blank that dies while it becomes somebody`s is replaced without the caller noticing', async () => {
    const pooled = await filled(1)
    const [dying] = [...pooled.driver.sandboxes.keys()]
    pooled.driver.agentOf(dying as string).operations.set('personalise', (agent) => agent.close())
    const record = await pooled.domain.create(createRequest({ name: 'mine' }), operation())
    expect(record).toMatchObject({ state: 'running', name: 'mine' })
    expect(record.id).not.toBe(dying)
    expect([...pooled.store.records.keys()]).toEqual([record.id])
    expect(pooled.driver.sandboxes.has(dying as string)).toBe(false)
  })

  test('an exit of a blank removes and replaces it', async () => {
    const pooled = await filled(1)
    const [blank] = [...pooled.driver.sandboxes.keys()]
    pooled.driver.exit(blank as string, 'killed')
    await pooled.clock.advance(100)
    expect(pooled.domain.readyCount()).toBe(1)
    expect(pooled.driver.sandboxes.has(blank as string)).toBe(false)
  })

  test('blanks of a template that has changed since are thrown away', async () => {
    const pooled = await filled(2)
    const old = [...pooled.driver.sandboxes.keys()]
    pooled.driver.fingerprint = 'after an upgrade'
    const record = await pooled.domain.create(createRequest(), operation())
    expect(old).not.toContain(record.id)
    await pooled.clock.advance(1000)
    expect(pooled.domain.readyCount()).toBe(2)
    expect([...pooled.driver.sandboxes.keys()].filter((id) => old.includes(id))).toEqual([])
  })

  test('a name that is taken gives the blank back', async () => {
    const pooled = await filled(2)
    await pooled.domain.create(createRequest({ name: 'one' }), operation())
    await pooled.domain.create(createRequest({ name: 'one' }), operation()).catch(() => {})
    expect(pooled.domain.readyCount()).toBe(1)
  })

  test('more creates than blanks all succeed', async () => {
    const pooled = await filled(2)
    const records = await Promise.all(
      Array.from({ length: 20 }, () => pooled.domain.create(createRequest(), operation())),
    )
    expect(new Set(records.map(({ id }) => id)).size).toBe(20)
  })

  test('failures are tried again, ever more seldom', async () => {
    const pooled = testDomain({ poolSize: 1 })
    pooled.driver.before.set('prepare', () => {
      throw new Error('no')
    })
    await pooled.domain.start(operation())
    await pooled.clock.advance(60_000)
    expect(prepares(pooled)).toBeLessThan(8)
    expect(pooled.driver.sandboxes.size).toBe(0)
    pooled.driver.before.clear()
    await pooled.clock.advance(60_000)
    expect(pooled.domain.readyCount()).toBe(1)
  })

  test('closing removes the blanks and makes no more', async () => {
    const pooled = await filled(2)
    await pooled.domain.close()
    await pooled.clock.advance(10_000)
    expect(pooled.driver.sandboxes.size).toBe(0)
    expect(pooled.clock.pendingTimers).toBe(0)
  })

  test('a restarted server does not take over blanks', async () => {
    const first = await filled(2)
    const next = testDomain({ driver: first.driver, memory: first.store })
    await next.domain.start(operation())
    await settle()
    expect(next.driver.sandboxes.size).toBe(0)
  })
})
