// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdirSync, readFileSync, rmdirSync } from 'node:fs'
import path from 'node:path'

/** The hierarchies in which the launcher makes groups. */
const CONTROLLERS = ['memory', 'cpu', 'pids', 'freezer']
const MOUNT = '/sys/fs/cgroup'

/** Directories of the limit program's own, in the hierarchies that the launcher uses as well. */
export class CgroupPlaces {
  readonly options: readonly string[]
  readonly #directories: readonly string[]

  private constructor(v1: readonly string[], v2: string | undefined) {
    this.options = [
      ...v1.flatMap((directory) => ['--cgroup-v1', directory]),
      ...(v2 === undefined ? [] : ['--cgroup-v2', v2]),
    ]
    this.#directories = [...v1, ...(v2 === undefined ? [] : [v2])]
  }

  static make(): CgroupPlaces {
    const name = `isola-bench-limit-${process.pid}`
    const lines = readFileSync('/proc/self/cgroup', 'utf8').trim().split('\n')
    const v1 = CONTROLLERS.flatMap((controller) => {
      const own = lines.find((line) => line.split(':')[1]?.split(',').includes(controller))
      const mount = path.join(MOUNT, controller)
      return own === undefined || !existsSync(mount) ? [] : makeIfAllowed(path.join(mount, ownPath(own), name))
    })
    const unified = lines.find((line) => line.startsWith('0::'))
    const mount = [path.join(MOUNT, 'unified'), MOUNT].find((candidate) =>
      existsSync(path.join(candidate, 'cgroup.procs')),
    )
    const v2 =
      unified === undefined || mount === undefined ? [] : makeIfAllowed(path.join(mount, ownPath(unified), name))
    return new CgroupPlaces(v1, v2[0])
  }

  remove(): void {
    for (const directory of this.#directories) rmdirSync(directory)
  }
}

const ownPath = (line: string): string => line.split(':').slice(2).join(':')

function makeIfAllowed(directory: string): string[] {
  try {
    mkdirSync(directory)
    return [directory]
  } catch {
    return []
  }
}
