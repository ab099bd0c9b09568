// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * Makes a directory for this user alone, and those above it. Written out, because Node's own
 * `recursive` never returns where the file system refuses new names with ENOENT, as /proc does.
 */
export function makePrivateDirectory(path: string): void {
  try {
    mkdirSync(path, 0o700)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return
    const parent = dirname(path)
    if (code !== 'ENOENT' || existsSync(parent)) throw error
    makePrivateDirectory(parent)
    mkdirSync(path, 0o700)
  }
}
