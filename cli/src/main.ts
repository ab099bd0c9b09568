// SPDX-License-Identifier: Apache-2.0
import { enableCompileCache } from 'node:module'
import { homedir } from 'node:os'
import { join } from 'node:path'

// `bin/isola.js` may have started us from a Node that is too old. When it is killed, the channel from
// it closes, and what a request to end would end is ended. By itself the channel keeps nothing alive.
process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
process.channel?.unref()

// Compiled code is kept from one start to the next: in a folder of this user alone, because
// whoever writes to it decides what this program does.
const cacheDirectory = process.env['XDG_CACHE_HOME'] || cacheDirectoryAtHome()
if (cacheDirectory !== undefined) enableCompileCache(join(cacheDirectory, 'isola'))
const { runCli } = await import('./cli.ts')
const exitCode = await runCli(process.argv.slice(2))
// Kept connections and a terminal that is still read would hold the program back.
// oxlint-disable-next-line unicorn/no-process-exit
process.exit(exitCode)

/** A user without HOME and without a line in /etc/passwd has no home. */
function cacheDirectoryAtHome(): string | undefined {
  try {
    return join(homedir(), '.cache')
  } catch {
    return undefined
  }
}
