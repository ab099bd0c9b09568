// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from 'node:fs'
import { tracedProcesses } from './processes.ts'
import type { Found, Trace } from './trace.ts'

/**
 * Loop devices whose file lies in the traced directory. One that a mount namespace of a stranger still holds
 * (a copy of the host's, made while it was mounted) goes with that stranger.
 */
export function loopDevices(trace: Trace): Found[] {
  return readdirSync('/sys/block')
    .filter((name) => name.startsWith('loop'))
    .map((name) => ({ name, file: backingFile(name) }))
    .filter(({ file }) => file.includes(trace.directory))
    .filter(({ name }) => !isHeldByStranger(`/dev/${name}`, trace))
    .map(({ name, file }) => `loop device /dev/${name} (${file.trim()})`)
}

function backingFile(name: string): string {
  try {
    return readFileSync(`/sys/block/${name}/loop/backing_file`, 'utf8')
  } catch {
    return ''
  }
}

function isHeldByStranger(device: string, trace: Trace): boolean {
  const own = new Set(tracedProcesses(trace))
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && !own.has(Number(name)))
    .some((pid) => mountsOf(pid).includes(` ${device} `))
}

function mountsOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/mountinfo`, 'utf8')
  } catch {
    return ''
  }
}
