// SPDX-License-Identifier: Apache-2.0
import { chmodSync, existsSync, lstatSync, mkdirSync, realpathSync } from 'node:fs'
import { dirname } from 'node:path'
import { IsolaError } from '@isola/protocol'

/** The driver's own paths below it must fit into a socket address of 108 bytes. */
const MAX_PATH_BYTES = 70

/**
 * Makes the state directory, or makes sure that it is ours alone: mode 0700 is what keeps every
 * other user away from the socket, the store and the key.
 *
 * Safety: an existing directory of somebody else is refused, whatever its mode; links are resolved first.
 * @returns the directory without links in its path
 */
export function openStateDirectory(path: string): string {
  try {
    makeDirectory(path)
    const directory = realpathSync(path)
    const size = Buffer.byteLength(directory)
    if (size > MAX_PATH_BYTES) throw refuse(directory, `its path has ${size} bytes, ${MAX_PATH_BYTES} are possible`)
    const stat = lstatSync(directory)
    if (stat.uid !== process.geteuid?.()) throw refuse(directory, `it belongs to uid ${stat.uid}`)
    if ((stat.mode & 0o077) !== 0) chmodSync(directory, 0o700)
    return directory
  } catch (error) {
    if (IsolaError.is(error)) throw error
    const { code, message } = error as NodeJS.ErrnoException
    const kind = code === 'ENOSPC' || code === 'EDQUOT' ? 'host.no_space' : 'server.start_failed'
    throw new IsolaError(kind, `open the state directory ${path}: ${message}`, {
      hint: 'set ISOLA_STATE_DIR to a directory of your own',
      context: { path },
      cause: error,
    })
  }
}

/** Step by step: Node's own recursive mkdir never comes back from places like /proc. */
function makeDirectory(path: string): void {
  if (existsSync(path)) return
  const parent = dirname(path)
  if (parent !== path) makeDirectory(parent)
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    // Another server may have been quicker.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

function refuse(directory: string, problem: string): IsolaError {
  return new IsolaError('server.start_failed', `open the state directory ${directory}: ${problem}`, {
    hint: 'set ISOLA_STATE_DIR to a shorter path of your own',
    context: { path: directory },
  })
}
