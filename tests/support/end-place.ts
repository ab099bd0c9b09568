// SPDX-License-Identifier: Apache-2.0
import { readFileSync, rmdirSync } from 'node:fs'
import { eventually } from './eventually.ts'
import { cgroups } from './inventory/cgroups.ts'
import { tracedProcesses } from './inventory/processes.ts'
import type { Found } from './inventory/trace.ts'
import type { Place } from './isola-server.ts'
import { leftovers } from './leak-check.ts'
import { onHost } from './on-host.ts'

/**
 * The end of a place whose server was told to stop: what is left there by then is a fault of Isola.
 * It is taken away in any case, so that one failing test does not spoil the host for the next.
 */
export async function endPlace(place: Place): Promise<Found[]> {
  const left = await leftovers(place)
  if (left.length > 0) await scrub(place)
  await place.remove()
  return left
}

async function scrub(place: Place): Promise<void> {
  const living = await eventually(
    () => {
      const pids = tracedProcesses(place.trace)
      for (const pid of pids) kill(pid)
      return pids
    },
    (pids) => pids.length === 0,
  )
  if (living.length > 0) throw new Error(`processes that cannot be ended: ${living.join(', ')}`)
  const mounted = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((point) => point.startsWith(`${place.directory.path}/`))
  for (const point of mounted.reverse()) await onHost(['umount', '--lazy', point])
  const groups = cgroups(place.trace).map((found) => found.replace(/^cgroup /, ''))
  for (const group of groups.reverse()) rmdirSync(group)
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
