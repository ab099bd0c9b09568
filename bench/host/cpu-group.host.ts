// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const V1_MOUNTS = ['/sys/fs/cgroup/cpuacct', '/sys/fs/cgroup/cpu,cpuacct']
const V2_MOUNT = '/sys/fs/cgroup'
const REMOVE_TRIES = 150
const PATIENT_TRIES = 100
const REMOVE_WAIT_MS = 20

/**
 * Counts the CPU time of a participant with all its descendants, those that have ended included.
 * What the kernel does on its own behalf (grace periods, freeing of namespaces) is not in it.
 */
export class CpuGroup {
  readonly #directory: string
  readonly #version: 'v1' | 'v2'

  private constructor(directory: string, version: 'v1' | 'v2') {
    this.#directory = directory
    this.#version = version
  }

  /** A new group below our own; null where the host does not let us make one. */
  static make(name: string): CpuGroup | null {
    const home = homeDirectory()
    if (home === null) return null
    const directory = path.join(home.directory, `isola-bench-${process.pid}-${name.replaceAll(/[^a-z0-9]+/gi, '-')}`)
    try {
      mkdirSync(directory)
      return new CpuGroup(directory, home.version)
    } catch {
      return null
    }
  }

  add(pid: number): void {
    writeFileSync(path.join(this.#directory, 'cgroup.procs'), String(pid))
  }

  usedMs(): number {
    if (this.#version === 'v1') return Number(readFileSync(path.join(this.#directory, 'cpuacct.usage'), 'utf8')) / 1e6
    const stat = readFileSync(path.join(this.#directory, 'cpu.stat'), 'utf8')
    return Number(/^usage_usec (\d+)/m.exec(stat)?.[1]) / 1e3
  }

  /** After all its processes were ended; the last ones may take a moment, and who outlives that is killed. */
  async remove(): Promise<void> {
    for (let attempt = 1; attempt <= REMOVE_TRIES; attempt++) {
      if (this.#isRemoved()) return
      if (attempt > PATIENT_TRIES) this.#kill()
      await sleep(REMOVE_WAIT_MS)
    }
    console.error(`bench: ${this.#directory} is still in use`)
  }

  #isRemoved(): boolean {
    try {
      rmdirSync(this.#directory)
      return true
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'ENOENT'
    }
  }

  #kill(): void {
    for (const pid of readFileSync(path.join(this.#directory, 'cgroup.procs'), 'utf8').split('\n').map(Number)) {
      if (pid > 1) killIfThere(pid)
    }
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function homeDirectory(): { directory: string; version: 'v1' | 'v2' } | null {
  const own = readFileSync('/proc/self/cgroup', 'utf8')
  const v1 = /^\d+:(?:[^:]*,)?cpuacct(?:,[^:]*)?:(.*)$/m.exec(own)?.[1]
  const mount = V1_MOUNTS.find((candidate) => existsSync(candidate))
  if (v1 !== undefined && mount !== undefined) return { directory: path.join(mount, v1), version: 'v1' }
  const v2 = /^0::(.*)$/m.exec(own)?.[1]
  if (v2 === undefined || !existsSync(path.join(V2_MOUNT, 'cgroup.procs'))) return null
  return { directory: path.join(V2_MOUNT, v2), version: 'v2' }
}
