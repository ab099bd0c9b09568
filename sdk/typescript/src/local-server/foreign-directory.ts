// SPDX-License-Identifier: Apache-2.0
import { statSync } from 'node:fs'
import { IsolaError } from '@isola/protocol/wire'

/**
 * Another user's directory is not used, as the server refuses it too: whoever owns it could stand in
 * for the server, or have us write to files of ours through links in it.
 */
export function refuseForeignDirectory(path: string, ownUid: number | undefined = process.geteuid?.()): void {
  const owner = ownerOf(path)
  if (owner === undefined || owner === ownUid) return
  throw new IsolaError('server.start_failed', `use the state directory ${path}: it belongs to uid ${owner}`, {
    hint: 'set ISOLA_STATE_DIR to a directory of your own, or ISOLA_URL to a server of somebody else',
    context: { path },
  })
}

/** Undefined when it cannot be looked at: whoever uses it next says why. */
function ownerOf(path: string): number | undefined {
  try {
    return statSync(path).uid
  } catch {
    return undefined
  }
}
