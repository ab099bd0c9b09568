// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { IsolaError } from '@isola/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { storeContract } from '../../../core/test/store-contract.ts'
import { sandboxRecord } from '../../test/sandbox-record.ts'
import { MIGRATIONS, SCHEMA_VERSION } from './migrations.ts'
import { explainSqliteError } from './sqlite-error.ts'
import { positionAfter, SqliteStore } from './sqlite-store.ts'

let directory: string
let path: string
let nowMs: number
const open: SqliteStore[] = []

function openStore(): SqliteStore {
  const store = new SqliteStore(path, () => nowMs)
  open.push(store)
  return store
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'isola-store-'))
  path = join(directory, 'isola.sqlite')
  nowMs = Date.UTC(2026, 0, 1)
})
afterEach(() => {
  for (const store of open.splice(0)) store.close()
  rmSync(directory, { recursive: true })
})

storeContract('the embedded store', openStore)

describe('records', () => {
  test('survive a reopening, whole', () => {
    const record = sandboxRecord({ name: 'a', labels: { team: 'x' }, env: { A: 'b' }, resources: { cpus: 0.5 } })
    const store = openStore()
    store.insert(record)
    open.splice(0)
    store.close()
    expect(openStore().find(record.id)).toEqual(record)
  })

  test('are on the disk for another connection as soon as insert() returns', () => {
    const record = sandboxRecord()
    openStore().insert(record)
    const other = new DatabaseSync(path, { readOnly: true })
    expect(other.prepare('SELECT id FROM sandboxes').all()).toEqual([{ id: record.id }])
    other.close()
  })
})

describe('list()', () => {
  test('pages in the order of creation, also past a record that is gone', () => {
    const store = openStore()
    const records = Array.from({ length: 5 }, () => sandboxRecord())
    for (const record of records.toReversed()) store.insert(record)
    const [first, second, third] = records as [(typeof records)[0], (typeof records)[0], (typeof records)[0]]
    expect(store.list({ limit: 2 }).map(({ id }) => id)).toEqual([first.id, second.id])
    expect(store.list({ limit: 1, after: second.id }).map(({ id }) => id)).toEqual([third.id])
    store.remove(second.id)
    expect(store.list({ limit: 1, after: positionAfter(second) }).map(({ id }) => id)).toEqual([third.id])
  })

  test('takes nothing that is asked for as SQL', () => {
    const store = openStore()
    store.insert(sandboxRecord({ name: 'w' }))
    expect(store.list({ limit: 9, name: `' OR 1=1 --` })).toEqual([])
  })
})

test('idempotency keys are kept for a day', () => {
  const store = openStore()
  store.remember('k1', 'f', 'sb1')
  nowMs += 23 * 3600_000
  expect(store.recall('k1')).toEqual({ fingerprint: 'f', sandboxId: 'sb1' })
  nowMs += 3600_000
  expect(store.recall('k1')).toBeUndefined()
  store.remember('k1', 'g', 'sb2')
  expect(store.recall('k1')).toEqual({ fingerprint: 'g', sandboxId: 'sb2' })
  expect(store.recall('never')).toBeUndefined()
})

test('a record is found again after more records than are kept in memory', () => {
  const store = openStore()
  const first = sandboxRecord({ name: 'first' })
  store.insert(first)
  for (let index = 0; index < 5000; index++) store.insert(sandboxRecord())
  expect(store.find(first.id)).toEqual(first)
  store.update(first.id, { name: 'renamed' })
  expect(store.find('renamed')?.id).toBe(first.id)
  store.remove(first.id)
  expect(store.find(first.id)).toBeUndefined()
})

describe('the file', () => {
  test('is for its owner alone and carries the version of its schema', () => {
    openStore()
    expect(statSync(path).mode & 0o777).toBe(0o600)
    const other = new DatabaseSync(path, { readOnly: true })
    expect(other.prepare('PRAGMA user_version').get()).toEqual({ user_version: SCHEMA_VERSION })
    other.close()
  })

  test('of an earlier version is brought up to date, with all that it holds', () => {
    const [dead, living] = [sandboxRecord({ name: 'dev', state: 'failed' }), sandboxRecord({ name: 'dev' })]
    const earlier = new DatabaseSync(path)
    earlier.exec(`${MIGRATIONS[0]}; PRAGMA user_version = 1`)
    const insert = earlier.prepare('INSERT INTO sandboxes (id, name, state, created_at, record) VALUES (?, ?, ?, ?, ?)')
    for (const record of [dead, living])
      insert.run(record.id, record.name, record.state, record.createdAt, JSON.stringify(record))
    earlier.close()
    const store = openStore()
    store.update(dead.id, { state: 'stopping' })
    expect(store.find('dev')).toEqual(living)
  })

  test('of an empty database is brought up to date', () => {
    writeFileSync(path, '')
    openStore().insert(sandboxRecord())
  })

  test('of a newer version is refused and left alone', () => {
    const newer = new DatabaseSync(path)
    newer.exec(`CREATE TABLE future (x); PRAGMA user_version = ${SCHEMA_VERSION + 1}`)
    newer.close()
    const before = readFileSync(path)
    expect(() => openStore()).toThrow(
      new RegExp(`its schema is version ${SCHEMA_VERSION + 1}, this server knows ${SCHEMA_VERSION}`),
    )
    expect(readFileSync(path).equals(before)).toBe(true)
  })

  test.each([
    ['garbage', () => writeFileSync(path, 'this is not a database, whatever it may look like'.repeat(100))],
    ['cut in half', () => truncateSync(path, statSync(path).size / 2)],
    [
      'with a page overwritten',
      () => {
        const bytes = readFileSync(path)
        bytes.fill(0xa5, 4096, 3 * 4096)
        writeFileSync(path, bytes)
      },
    ],
  ])('%s is refused by name, with a hint, and left as it is', (_what, damage) => {
    const store = openStore()
    for (let made = 0; made < 50; made++) store.insert(sandboxRecord({ labels: { filler: 'x'.repeat(200) } }))
    open.splice(0)
    store.close()
    damage()
    const before = readFileSync(path)
    expect(() => openStore()).toThrow(
      expect.objectContaining({ code: 'host.store_corrupt', hint: expect.stringContaining(path) }),
    )
    expect(readFileSync(path).equals(before)).toBe(true)
  })

  test('that is a directory is refused', () => {
    path = directory
    expect(() => openStore()).toThrow(expect.objectContaining({ code: 'host.store_corrupt' }))
  })
})

test('a full disk is told as such', () => {
  const database = new DatabaseSync(path)
  database.exec('PRAGMA page_size = 512; CREATE TABLE t (x); PRAGMA max_page_count = 4')
  let error: unknown
  try {
    database.exec(`INSERT INTO t VALUES (randomblob(100000))`)
  } catch (thrown) {
    error = explainSqliteError(thrown, path, () => false)
  }
  database.close()
  expect(IsolaError.is(error) && error.code).toBe('host.no_space')
})
