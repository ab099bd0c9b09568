// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { Place } from './isola-server.ts'

/** The pid that a sandbox's pid 1 has on the host, from the launcher's own record. */
export function hostPid(place: Place, sandboxId: string): number {
  const record = JSON.parse(
    readFileSync(path.join(place.stateDirectory, 'namespace', 'sandboxes', sandboxId, 'boot.json'), 'utf8'),
  ) as { pid: number }
  return record.pid
}
