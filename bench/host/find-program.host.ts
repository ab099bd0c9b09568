// SPDX-License-Identifier: Apache-2.0
import { accessSync, constants, statSync } from 'node:fs'
import path from 'node:path'

const MORE_PLACES = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/local/bin', '/usr/bin', '/bin']

/** Where a program is: on PATH, or where system programs are kept. */
export function findProgram(name: string): string | undefined {
  const places = [...(process.env['PATH'] ?? '').split(path.delimiter), ...MORE_PLACES]
  return places.map((place) => path.join(place, name)).find(isProgram)
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}
