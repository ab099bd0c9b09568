// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, fstatSync, openSync, readFileSync, writeSync } from 'node:fs'
import { IsolaError } from '@isola/protocol'

const KEY_BYTES = 32
const KEY_FORM = /^isk_[A-Za-z0-9_-]{43}$/

/**
 * The key of this server, made at the first start. The file is how its owner gets it, so it holds
 * the key itself; who can read it can use the socket beside it anyway.
 *
 * Safety: the path lies in the state directory, which only the server's user can enter.
 */
export function loadApiKey(path: string): string {
  try {
    return read(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  return make(path)
}

function read(path: string): string {
  const fd = openSync(path, 'r')
  try {
    const mode = fstatSync(fd).mode & 0o777
    if ((mode & 0o077) !== 0)
      throw refuse(
        path,
        `others may read it (mode ${mode.toString(8)})`,
        `chmod 600 ${path}, and remove it if others saw it`,
      )
    const key = readFileSync(fd, 'utf8').trim()
    if (!KEY_FORM.test(key)) throw refuse(path, 'it holds no key', `remove ${path}; the next start makes a new key`)
    return key
  } finally {
    closeSync(fd)
  }
}

function make(path: string): string {
  const key = `isk_${randomBytes(KEY_BYTES).toString('base64url')}`
  const fd = openSync(path, 'wx', 0o600)
  try {
    writeSync(fd, `${key}\n`)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
  return key
}

function refuse(path: string, problem: string, hint: string): IsolaError {
  return new IsolaError('server.start_failed', `read the key file ${path}: ${problem}`, { hint, context: { path } })
}
