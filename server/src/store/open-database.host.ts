// SPDX-License-Identifier: Apache-2.0
import { chmodSync, statfsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { IsolaError } from '@isola/protocol'
import { MIGRATIONS, SCHEMA_VERSION } from './migrations.ts'
import { explainSqliteError, storeCorrupt } from './sqlite-error.ts'

/**
 * Opens the store, or refuses it without having changed a byte.
 *
 * `synchronous = NORMAL` for everything: a commit is in the kernel when it returns, so no kill of
 * this process loses one. What a power cut may take are the last commits before it, and the
 * sandboxes they speak of died with the host; an fsync per create would cost more than the create.
 *
 * Safety: the path lies in the state directory, which only the server's user can enter.
 */
export function openDatabase(path: string): DatabaseSync {
  try {
    if (hasContent(path)) examine(path)
    const database = new DatabaseSync(path)
    try {
      chmodSync(path, 0o600)
      database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY')
      migrate(database)
      return database
    } catch (error) {
      database.close()
      throw error
    }
  } catch (error) {
    throw explainSqliteError(error, path, () => diskIsFull(path))
  }
}

export function diskIsFull(path: string): boolean {
  return statfsSync(dirname(path)).bavail === 0
}

function hasContent(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat === undefined) return false
  if (!stat.isFile()) throw storeCorrupt(path, 'not a regular file')
  return stat.size > 0
}

/** Through a connection that cannot write, so that a damaged file stays as it was found. */
function examine(path: string): void {
  const database = new DatabaseSync(path, { readOnly: true })
  try {
    const version = versionOf(database)
    if (version > SCHEMA_VERSION) throw tooNew(path, version)
    const [verdict] = database.prepare('PRAGMA quick_check(1)').all() as { quick_check: string }[]
    if (verdict?.quick_check !== 'ok') throw storeCorrupt(path, verdict?.quick_check ?? 'no verdict')
  } finally {
    database.close()
  }
}

function migrate(database: DatabaseSync): void {
  for (let version = versionOf(database); version < SCHEMA_VERSION; version++) {
    database.exec(`BEGIN IMMEDIATE; ${MIGRATIONS[version]}; PRAGMA user_version = ${version + 1}; COMMIT`)
  }
}

function versionOf(database: DatabaseSync): number {
  const row = database.prepare('PRAGMA user_version').get() as { user_version: number }
  return row.user_version
}

function tooNew(path: string, version: number): IsolaError {
  return new IsolaError(
    'server.start_failed',
    `open the store ${path}: its schema is version ${version}, this server knows ${SCHEMA_VERSION}`,
    {
      hint: 'start the newer Isola that wrote it, or give another directory with --state',
      context: { path, version, known: SCHEMA_VERSION },
    },
  )
}
