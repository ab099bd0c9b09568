// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest'
import type { Store } from '../src/index.ts'
import { sandboxRecord } from './sandbox-record.ts'

const taken = expect.objectContaining({ code: 'sandbox.name_taken' }) as Error
const ENDED = ['stopping', 'failed', 'destroyed'] as const

/** What the domain relies on, whatever keeps the records: the store of the tests keeps the rules of the real one. */
export function storeContract(what: string, openStore: () => Store): void {
  describe(`names in ${what}`, () => {
    test.each(['creating', 'running'] as const)('belong to one that lives: %s', (state) => {
      const store = openStore()
      store.insert(sandboxRecord({ name: 'web', state }))
      expect(() => store.insert(sandboxRecord({ name: 'web' }))).toThrow(taken)
      const other = sandboxRecord({ name: 'api' })
      store.insert(other)
      expect(() => store.update(other.id, { name: 'web' })).toThrow(taken)
      expect([store.find(other.id)?.name, store.count()]).toEqual(['api', 2])
    })

    test.each(ENDED)('of one that is %s are free for the next, and still its own', (state) => {
      const store = openStore()
      const ended = sandboxRecord({ name: 'web', state })
      store.insert(ended)
      expect(store.find('web')?.id).toBe(ended.id)
      const living = sandboxRecord({ name: 'web' })
      store.insert(living)
      expect(store.find('web')?.id).toBe(living.id)
      for (const next of ENDED) store.update(ended.id, { state: next })
      expect(store.find(ended.id)).toMatchObject({ name: 'web', state: 'destroyed' })
      store.remove(ended.id)
      expect(store.find('web')?.id).toBe(living.id)
    })

    test('of those that have ended mean the youngest', () => {
      const store = openStore()
      const [old, young] = [
        sandboxRecord({ name: 'web', state: 'failed' }),
        sandboxRecord({ name: 'web', state: 'stopping' }),
      ]
      store.insert(young)
      store.insert(old)
      expect(store.find('web')?.id).toBe(young.id)
    })

    test('are no ids, and nobody needs one', () => {
      const store = openStore()
      const [named, unnamed] = [sandboxRecord({ name: 'web' }), sandboxRecord()]
      for (const record of [named, unnamed, sandboxRecord()]) store.insert(record)
      expect(store.find(unnamed.id)).toEqual(unnamed)
      expect(store.find('nobody')).toBeUndefined()
      expect(store.count()).toBe(3)
    })
  })

  describe(`records in ${what}`, () => {
    test('change field by field and go for good', () => {
      const store = openStore()
      const record = sandboxRecord({ labels: { a: '1' } })
      store.insert(record)
      store.update(record.id, { state: 'stopping', labels: { b: '2' } })
      expect(store.find(record.id)).toEqual({ ...record, state: 'stopping', labels: { b: '2' } })
      store.remove(record.id)
      store.remove(record.id)
      expect(store.find(record.id)).toBeUndefined()
      expect(() => store.update(record.id, { state: 'failed' })).toThrow(
        expect.objectContaining({ code: 'sandbox.not_found' }) as Error,
      )
    })

    test('are listed in the order of creation, page by page', () => {
      const store = openStore()
      const records = Array.from({ length: 5 }, () => sandboxRecord())
      for (const record of records.toReversed()) store.insert(record)
      const ids = records.map(({ id }) => id)
      const page = store.list({ limit: 2 }).map(({ id }) => id)
      expect(page).toEqual(ids.slice(0, 2))
      expect(store.list({ limit: 9, after: page[1] as string }).map(({ id }) => id)).toEqual(ids.slice(2))
    })

    test('are listed by state, name and all labels', () => {
      const store = openStore()
      const wanted = sandboxRecord({ name: 'w', labels: { 'a"b': `x'y`, team: 'red' } })
      store.insert(wanted)
      store.insert(sandboxRecord({ labels: { team: 'red' } }))
      store.insert(sandboxRecord({ state: 'failed' }))
      expect(store.list({ limit: 9, labels: { 'a"b': `x'y`, team: 'red' } })).toEqual([wanted])
      expect(store.list({ limit: 9, labels: { team: 'red' } })).toHaveLength(2)
      expect(store.list({ limit: 9, state: 'failed' })).toHaveLength(1)
      expect(store.list({ limit: 9, name: 'w' })).toEqual([wanted])
    })
  })

  test(`idempotency keys in ${what} mean what they were last used for`, () => {
    const store = openStore()
    expect(store.recall('key')).toBeUndefined()
    store.remember('key', 'f', 'sb1')
    store.remember('key', 'g', 'sb2')
    expect(store.recall('key')).toEqual({ fingerprint: 'g', sandboxId: 'sb2' })
  })
}
