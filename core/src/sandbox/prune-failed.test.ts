// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest'
import { MemoryStore } from '../../test/memory-store.ts'
import { sandboxRecord } from '../../test/sandbox-record.ts'
import { pruneFailed } from './prune-failed.ts'
import { SandboxRecords } from './sandbox-records.ts'

test('of creates that failed the youngest are kept, and all that may hold something', () => {
  const store = new MemoryStore()
  const clock = { nowMs: () => 0, after: () => () => {} }
  const died = sandboxRecord({ state: 'failed' })
  const living = sandboxRecord()
  store.insert(died)
  store.insert(living)
  const failed = Array.from({ length: 300 }, () => sandboxRecord({ state: 'failed', ref: null }))
  for (const record of failed) store.insert(record)
  pruneFailed(new SandboxRecords(store, clock))
  expect(store.find(failed[43]?.id ?? '')).toBeUndefined()
  expect(store.find(failed[44]?.id ?? '')).toBeDefined()
  expect(store.find(died.id)).toBeDefined()
  expect(store.find(living.id)).toBeDefined()
})
