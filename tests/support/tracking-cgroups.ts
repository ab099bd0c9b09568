// SPDX-License-Identifier: Apache-2.0
import { accessSync, constants, mkdirSync, readFileSync, rmdirSync } from 'node:fs'
import path from 'node:path'
import { eventually } from './eventually.ts'

/**
 * Control groups of a test's own, one in each hierarchy. Whatever is started in them stays findable,
 * however often it forks or changes its name.
 */
export class TrackingCgroups {
  readonly groups: readonly string[]

  constructor(name: string) {
    this.groups = writableHierarchies().flatMap((hierarchy) => {
      const group = path.join(hierarchy, name)
      try {
        mkdirSync(group)
        return [group]
      } catch {
        return []
      }
    })
  }

  /** Put in front of a command so that it, and all it starts, is in the groups. */
  get prefix(): readonly string[] {
    if (this.groups.length === 0) return []
    const joins = this.groups.map((group) => `echo 0 > '${group}/cgroup.procs'`)
    return ['/bin/sh', '-c', `${joins.join(' && ')} && exec "$@"`, 'sh']
  }

  /** Removing waits for processes that are ending. */
  async remove(): Promise<void> {
    const left = await eventually(
      () => this.groups.filter((group) => !removed(group)),
      (groups) => groups.length === 0,
    )
    if (left.length > 0) throw new Error(`control groups cannot be removed: ${left.join(', ')}`)
  }
}

function removed(group: string): boolean {
  try {
    rmdirSync(group)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT'
  }
}

/** The group that this process is in, in every hierarchy that may be written to. */
function writableHierarchies(): string[] {
  const mounted = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => / - cgroup2? /.test(line))
    .map((line) => ({
      place: line.split(' ')[4] as string,
      options: line.split(' ').at(-1) as string,
      v2: line.includes(' - cgroup2 '),
    }))
  const own = readFileSync('/proc/self/cgroup', 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(':') as [string, string, string])
  return mounted.flatMap(({ place, options, v2 }) => {
    // A new cpuset has no processors yet and would refuse every process.
    if (options.split(',').includes('cpuset')) return []
    const row = own.find(([, controllers]) =>
      v2 ? controllers === '' : controllers !== '' && options.split(',').includes(controllers.split(',')[0] as string),
    )
    if (row === undefined) return []
    const group = path.join(place, row[2])
    try {
      accessSync(group, constants.W_OK)
      return [group]
    } catch {
      return []
    }
  })
}
