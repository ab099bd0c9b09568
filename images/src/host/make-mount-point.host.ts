// SPDX-License-Identifier: Apache-2.0
import { chmod, chown, mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { FileOwners } from '@isola/core'

const USER_ID = 1000
const HOME = '/home/user/'

/**
 * Makes a directory of the skeleton on which something will be mounted. What has to be made above it
 * carries no more than the way to it, and is `user`'s in the home; what is there already, like /tmp
 * for everybody, stays as it is.
 *
 * Safety: writes only below `target`, where nothing but the skeleton is.
 * @param target where the skeleton is built.
 * @param path absolute, as inside.
 */
export async function makeMountPoint(target: string, path: string, owners: FileOwners): Promise<void> {
  const place = join(target, path)
  const outermost = await mkdir(place, { recursive: true, mode: 0o755 })
  if (outermost === undefined) return
  const isOfUser = path.startsWith(HOME)
  // Where files can only be root's, writing is all that can be given.
  const mode = isOfUser && owners === 'root' ? 0o777 : 0o755
  for (let made = place; made.length >= outermost.length; made = dirname(made)) {
    // mkdir is subject to the umask.
    await chmod(made, mode)
    if (isOfUser && owners === 'as-on-disk') await chown(made, USER_ID, USER_ID)
  }
}
