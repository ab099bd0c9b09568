// SPDX-License-Identifier: Apache-2.0
import { copyFile, chmod, lstat, mkdir, readdir, readlink, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'

const READABLE_BY_ALL = 0o004
const ENTERABLE_BY_ALL = 0o005

/**
 * Copies a tree of the host, but only what everybody on the host may read; links are copied as
 * links and never followed, and anything that is neither file, directory nor link is left out.
 *
 * Safety: reads paths of the host that are named in a constant list, before any sandbox exists.
 */
export async function copyReadable(source: string, target: string): Promise<void> {
  const status = await lstat(source).catch(() => undefined)
  if (status === undefined) return
  if (status.isSymbolicLink()) {
    await mkdir(dirname(target), { recursive: true })
    await symlink(await readlink(source), target)
  } else if (status.isFile() && (status.mode & READABLE_BY_ALL) !== 0) {
    await mkdir(dirname(target), { recursive: true })
    await copyFile(source, target)
    await chmod(target, status.mode & 0o755)
  } else if (status.isDirectory() && (status.mode & ENTERABLE_BY_ALL) === ENTERABLE_BY_ALL) {
    await mkdir(target, { recursive: true })
    for (const name of await readdir(source)) await copyReadable(join(source, name), join(target, name))
  }
}
