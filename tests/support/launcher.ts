// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from 'node:fs'

/** The launchers that work in a state directory; normally there is one. */
export function launcherPids(stateDirectory: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      const argv = commandLine(pid)
      return (
        argv.some((word) => word.includes('isola-launcher')) &&
        argv.includes('serve') &&
        argv.some((word) => word.startsWith(stateDirectory))
      )
    })
    .map(Number)
}

function commandLine(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
  } catch {
    return []
  }
}
