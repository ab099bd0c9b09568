// SPDX-License-Identifier: Apache-2.0
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { isBusy } from '../store/sqlite-error.ts'

export interface InstanceLock {
  release(): void
}

/**
 * One server per state directory. Node has no file locks; an exclusive transaction on an empty
 * database is one, and the kernel drops it with the process, however that ends. The pid stands in
 * a file beside it, for people.
 *
 * Safety: both files lie in the state directory, which only the server's user can enter.
 * @returns the pid of the server that has the lock (0 when unknown) instead of the lock
 */
export function takeInstanceLock(directory: string): InstanceLock | { readonly heldBy: number } {
  const pidFile = join(directory, 'isolad.pid')
  const database = new DatabaseSync(join(directory, 'isolad.lock'))
  try {
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    if (isBusy(error)) return { heldBy: readPid(pidFile) }
    throw error
  }
  writeFileSync(`${pidFile}.new`, `${process.pid}\n`, { mode: 0o600 })
  renameSync(`${pidFile}.new`, pidFile)
  return {
    release() {
      rmSync(pidFile, { force: true })
      database.close()
    },
  }
}

function readPid(path: string): number {
  try {
    return Number.parseInt(readFileSync(path, 'utf8'), 10) || 0
  } catch {
    return 0
  }
}
