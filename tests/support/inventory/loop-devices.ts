// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from 'node:fs'
import type { Found, Trace } from './trace.ts'

/** Loop devices whose file lies in the traced directory. */
export function loopDevices(trace: Trace): Found[] {
  return readdirSync('/sys/block')
    .filter((name) => name.startsWith('loop'))
    .map((name) => ({ name, file: backingFile(name) }))
    .filter(({ file }) => file.includes(trace.directory))
    .map(({ name, file }) => `loop device /dev/${name} (${file.trim()})`)
}

function backingFile(name: string): string {
  try {
    return readFileSync(`/sys/block/${name}/loop/backing_file`, 'utf8')
  } catch {
    return ''
  }
}
