// SPDX-License-Identifier: Apache-2.0
import { IsolaError } from '@isola/protocol'

const BUSY = 5
const IO_ERROR = 10
const CORRUPT = 11
const FULL = 13
const NOT_A_DATABASE = 26
const CONSTRAINT_UNIQUE = 2067

interface SqliteError extends Error {
  readonly code: 'ERR_SQLITE_ERROR'
  /** Extended result code; the low byte is the primary one. */
  readonly errcode: number
}

export function isSqliteError(error: unknown): error is SqliteError {
  return error instanceof Error && (error as { code?: unknown }).code === 'ERR_SQLITE_ERROR'
}

export const isBusy = (error: unknown): boolean => isSqliteError(error) && (error.errcode & 0xff) === BUSY
export const isUniqueViolation = (error: unknown): boolean =>
  isSqliteError(error) && error.errcode === CONSTRAINT_UNIQUE

/** What an error of the database means to somebody who has never heard of it. */
export function explainSqliteError(error: unknown, path: string, diskIsFull: () => boolean): unknown {
  if (!isSqliteError(error)) return error
  switch (error.errcode & 0xff) {
    case CORRUPT:
    case NOT_A_DATABASE:
      return storeCorrupt(path, error.message, error)
    case FULL:
      return noSpace(path, error)
    case IO_ERROR:
      return diskIsFull() ? noSpace(path, error) : error
    default:
      return error
  }
}

export function storeCorrupt(path: string, detail: string, cause?: unknown): IsolaError {
  return new IsolaError('host.store_corrupt', `read the store ${path}: ${detail}`, {
    hint: `nothing was changed; move ${path} away to start with an empty store (running sandboxes are then removed)`,
    context: { path },
    cause,
  })
}

function noSpace(path: string, cause: unknown): IsolaError {
  return new IsolaError('host.no_space', `write the store ${path}: no space left`, { context: { path }, cause })
}
