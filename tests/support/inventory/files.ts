// SPDX-License-Identifier: Apache-2.0
import { readdirSync } from 'node:fs'
import path from 'node:path'
import type { Found } from './trace.ts'

/** Everything below a directory, as paths; what cannot be listed is named with the reason. */
export function files(directory: string): Found[] {
  try {
    return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
      const at = path.join(directory, entry.name)
      return entry.isDirectory() ? [at, ...files(at)] : [at]
    })
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    return code === 'ENOENT' ? [] : [`${directory} (${code})`]
  }
}
