// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process'
import { chmod, copyFile, mkdir } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { promisify } from 'node:util'
import type { FileOwners, UnreadableEntry } from '@isola/core'
import { makeUsrDirectories } from './usr-directories.host.ts'

const run = promisify(execFile)

/** Below /usr, yet about this machine rather than its software. */
const CONFIGURATION = ['/usr/local/etc']

/**
 * Builds the layer that lies over the host's /usr: a whiteout for everything that not every user of
 * the host may read, since root inside would otherwise read it through the id-mapped mount; and `sudo`.
 * Where the layers below belong to nobody inside, also the directories that root inside is to write to.
 *
 * Safety: writes only below `target`; the names come from a walk that followed no link.
 */
export async function buildMask(
  target: string,
  unreadable: readonly UnreadableEntry[],
  sudoProgram: string,
  fileOwners: FileOwners,
): Promise<void> {
  await mkdir(join(target, 'bin'), { recursive: true, mode: 0o755 })
  await copyFile(sudoProgram, join(target, 'bin/sudo'))
  await chmod(join(target, 'bin/sudo'), 0o755)
  if (fileOwners === 'root') await makeUsrDirectories(target)
  const outermost = [...unreadable.map((entry) => entry.path), ...CONFIGURATION].sort().filter(isOutermost)
  if (outermost.length === 0) return
  const whiteouts = outermost.map((path) => join(target, relative('/usr', path)))
  for (const directory of new Set(whiteouts.map(dirname))) await mkdir(directory, { recursive: true, mode: 0o755 })
  // Overlay reads a character device 0:0 as "this name does not exist"; making one needs no privilege.
  const script =
    'for path; do [ "$path" = "$0/bin/sudo" ] || { rm -rf -- "$path" && mknod "$path" c 0 0; } || exit 1; done'
  await run('sh', ['-c', script, target, ...whiteouts])
}

/** In a sorted list: not below the entry before it that was kept. */
function isOutermost(path: string, index: number, sorted: readonly string[]): boolean {
  return !sorted.slice(0, index).some((other) => path.startsWith(`${other}/`))
}
