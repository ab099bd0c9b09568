// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/**
 * Makes below `target` every directory that /usr has and everybody may enter. Where the host's root is
 * nobody inside, root inside may write to no directory of the host's; to a merged one it may, when the
 * uppermost part of it is its own. So packages can be installed.
 *
 * Safety: writes only below `target`; follows no link and stays on the filesystem of /usr.
 */
export async function makeUsrDirectories(target: string, usr = '/usr'): Promise<void> {
  // Two programs for twenty thousand directories: ten times faster than a loop in JavaScript.
  const script = `
    find . -xdev -type d ! -perm -005 -prune -o -type d -print0 | { cd "$0" && xargs -0 mkdir -p -m 755 --; }`
  await run('sh', ['-c', script, target], { cwd: usr })
}
