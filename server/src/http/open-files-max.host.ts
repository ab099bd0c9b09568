// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'

/** What Linux gives a process that was given nothing else. */
const USUAL = 1024

/** How many descriptors this process may have. Node raises the soft limit to the hard one as it starts. */
export function openFilesMax(): number {
  const soft = /^Max open files\s+(\d+)/m.exec(limitsOfThisProcess())?.[1]
  return soft === undefined ? USUAL : Number(soft)
}

/** Safety: the kernel's own words about this process; nothing inside a sandbox has a part in them. */
function limitsOfThisProcess(): string {
  try {
    return readFileSync('/proc/self/limits', 'utf8')
  } catch {
    return ''
  }
}
