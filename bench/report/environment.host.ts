// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { cpus, loadavg, release, totalmem } from 'node:os'
import { root } from '../../tools/run-to-end.ts'
import { findProgram } from '../host/find-program.host.ts'

/** What somebody needs to know before comparing two results. */
export interface Environment {
  readonly at: string
  readonly kernel: string
  readonly distribution: string
  readonly cpu: string
  readonly cores: number
  readonly memoryMib: number
  readonly cgroups: string
  readonly user: string
  readonly node: string
  readonly peers: Readonly<Record<string, string>>
  readonly commit: string
  readonly loadBefore: number
}

const PEERS = ['bwrap', 'unshare', 'runc', 'runsc']

export function readEnvironment(): Environment {
  return {
    at: new Date().toISOString(),
    kernel: release(),
    distribution: /^PRETTY_NAME="?([^"\n]*)/m.exec(readIfThere('/etc/os-release'))?.[1] ?? 'unknown',
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryMib: Math.round(totalmem() / 2 ** 20),
    cgroups: cgroupMode(),
    user: process.getuid?.() === 0 ? 'root' : 'ordinary user',
    node: process.versions.node,
    peers: Object.fromEntries(PEERS.map((name) => [name, versionOf(name)])),
    commit: commit(),
    loadBefore: load(),
  }
}

export const load = (): number => loadavg()[0] as number

function cgroupMode(): string {
  if (existsSync('/sys/fs/cgroup/cgroup.controllers')) return 'v2'
  return existsSync('/sys/fs/cgroup/unified') ? 'v1, hybrid' : 'v1'
}

function versionOf(name: string): string {
  const program = findProgram(name)
  return program === undefined ? 'not installed' : (firstLine(program, ['--version']) ?? 'does not tell')
}

function commit(): string {
  const id = firstLine('git', ['-C', root, 'rev-parse', '--short', 'HEAD']) ?? 'none'
  const changed = firstLine('git', ['-C', root, 'status', '--porcelain'])
  return changed ? `${id}, with changes` : id
}

function firstLine(program: string, args: readonly string[]): string | undefined {
  try {
    return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).split('\n')[0]
  } catch {
    return undefined
  }
}

function readIfThere(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : ''
}
