// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'

/** The launcher that works in a state directory: whoever holds its lock. */
export function launcherPid(stateDirectory: string): number | undefined {
  const lock = path.join(stateDirectory, 'namespace', 'launcher.lock')
  if (!existsSync(lock)) return undefined
  const { ino } = statSync(lock)
  const holder = readFileSync('/proc/locks', 'utf8')
    .split('\n')
    .map((line) => /^\d+: (?:FLOCK|POSIX) .* (\d+) [0-9a-f]+:[0-9a-f]+:(\d+) /.exec(line))
    .find((match) => Number(match?.[2]) === ino)
  return holder == null ? undefined : Number(holder[1])
}
