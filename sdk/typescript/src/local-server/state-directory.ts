// SPDX-License-Identifier: Apache-2.0
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'

/** Where the local server of this user keeps its socket, its store and its sandboxes. */
export function defaultStateDirectory(env: Readonly<Record<string, string | undefined>>): string {
  const chosen = env['ISOLA_STATE_DIR']
  if (chosen !== undefined && chosen !== '') return resolve(chosen)
  if (process.getuid?.() === 0) return '/var/lib/isola'
  const dataHome = env['XDG_DATA_HOME']
  const base = dataHome?.startsWith('/') ? dataHome : join(homedir(), '.local', 'share')
  return join(base, 'isola')
}
