// SPDX-License-Identifier: Apache-2.0
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

const END_LIMIT_MS = 10_000
const STEP_MS = 20

/** The launchers that serve state directories below this one: they outlive their servers on purpose. */
export function launcherPids(below: string): number[] {
  return pidsWhere(
    (words) => words[0]?.endsWith('isola-launcher') === true && words.some((word) => word.startsWith(below)),
  )
}

export function serverPids(below: string): number[] {
  return pidsWhere(
    (words) => words.includes('serve') && words[words.indexOf('--state') + 1]?.startsWith(below) === true,
  )
}

export async function stopLauncher(stateDirectory: string): Promise<void> {
  for (const pid of launcherPids(stateDirectory)) {
    endIfThere(pid)
    for (let waitedMs = 0; existsSync(`/proc/${pid}`) && waitedMs < END_LIMIT_MS; waitedMs += STEP_MS)
      await sleep(STEP_MS)
  }
}

function endIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGTERM')
  } catch (error) {
    // The server has sent it home already.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function pidsWhere(matches: (words: readonly string[]) => boolean): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return pids.map(Number).filter((pid) => matches(commandLine(pid)))
}

function commandLine(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
  } catch {
    return []
  }
}
