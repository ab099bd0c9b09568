// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

/** A private directory for one run, short enough for the sockets that will lie in it. */
export function makeScratch(): { readonly directory: string; remove(): void } {
  const directory = mkdtempSync(path.join(tmpdir(), 'isola-bench-'))
  return {
    directory,
    remove: () => {
      for (const mount of mountsBelow(directory)) spawnSync('umount', [mount])
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** Layers that a launcher left mounted for the next one, which will not come. */
function mountsBelow(directory: string): string[] {
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').split('\n')
  return lines.flatMap((line) => line.split(' ')[4] ?? []).filter((mount) => mount.startsWith(`${directory}/`))
}
