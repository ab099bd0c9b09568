// SPDX-License-Identifier: Apache-2.0
import path from 'node:path'
import { eventually } from './eventually.ts'
import { cgroups } from './inventory/cgroups.ts'
import { files } from './inventory/files.ts'
import { loopDevices } from './inventory/loop-devices.ts'
import { mounts } from './inventory/mounts.ts'
import { networkNamespaces } from './inventory/network-namespaces.ts'
import { processes } from './inventory/processes.ts'
import type { Found, Trace } from './inventory/trace.ts'
import { unixSockets } from './inventory/unix-sockets.ts'
import type { Place } from './isola-server.ts'

/** Everything on the host that belongs to the traced Isola. */
export function inventory(trace: Trace): Found[] {
  return [processes, mounts, cgroups, networkNamespaces, unixSockets, loopDevices].flatMap((look) => look(trace))
}

/** What is there now that is not in `before`; waits, within bounds, for what the kernel still releases. */
export async function leaks(trace: Trace, before: readonly Found[] = []): Promise<Found[]> {
  const known = new Set(before)
  return eventually(
    () => inventory(trace).filter((found) => !known.has(found)),
    (found) => found.length === 0,
  )
}

/**
 * Everything that is still there of an Isola whose server has ended and in which nothing lived any
 * more; what it keeps for the next start (store, templates) is no leak.
 */
export async function leftovers(place: Place): Promise<Found[]> {
  const stale = () =>
    [place.directory.join('tmp'), path.join(place.stateDirectory, 'namespace', 'sandboxes')].flatMap(files)
  const left = await eventually(stale, (found) => found.length === 0)
  return [...(await leaks(place.trace)), ...left.map((file) => `file ${file}`)]
}
