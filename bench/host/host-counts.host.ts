// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** What must not grow while sandboxes come and go. */
export interface HostCounts {
  /** Of the server and the launcher. */
  readonly openFiles: number
  /** In the launcher's mount namespace. */
  readonly mounts: number
  /** As the kernel counts them, so those that were removed and still hold memory too. */
  readonly cgroups: number
  readonly networkNamespaces: number
  readonly processes: number
  /** Kernel memory that cannot be reclaimed: unreclaimable slab, kernel stacks, page tables, per-CPU data. */
  readonly kernelKib: number
  /** Private memory of the server and the launcher. */
  readonly privateKib: number
  readonly availableKib: number
}

export function countHost(pids: readonly number[]): HostCounts {
  const memory = readFileSync('/proc/meminfo', 'utf8')
  return {
    openFiles: sum(pids.map((pid) => entries(`/proc/${pid}/fd`).length)),
    mounts: Math.max(0, ...pids.map(mountsOf)),
    cgroups: cgroups(),
    networkNamespaces: networkNamespaces(),
    processes: entries('/proc').filter((name) => /^\d+$/.test(name)).length,
    kernelKib: sum(['SUnreclaim', 'KernelStack', 'PageTables', 'Percpu'].map((name) => field(memory, name))),
    privateKib: sum(pids.map(privateKib)),
    availableKib: field(memory, 'MemAvailable'),
  }
}

function mountsOf(pid: number): number {
  return read(`/proc/${pid}/mountinfo`).split('\n').length - 1
}

function cgroups(): number {
  const lines = readFileSync('/proc/cgroups', 'utf8').trim().split('\n').slice(1)
  return sum(lines.map((line) => Number(line.split('\t')[2])))
}

/** The kernel's own count where it shows it (root); else those that a process is in. */
function networkNamespaces(): number {
  const slab = /^net_namespace\s+(\d+)/m.exec(read('/proc/slabinfo'))
  if (slab !== null) return Number(slab[1])
  const seen = entries('/proc').flatMap((name) => (/^\d+$/.test(name) ? link(`/proc/${name}/ns/net`) : []))
  return new Set(seen).size
}

function privateKib(pid: number): number {
  const rollup = read(`/proc/${pid}/smaps_rollup`)
  return field(rollup, 'Private_Clean') + field(rollup, 'Private_Dirty')
}

function field(text: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0)
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

function entries(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}

function link(file: string): string[] {
  try {
    return [readlinkSync(file)]
  } catch {
    return []
  }
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
