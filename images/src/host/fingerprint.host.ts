// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'
import { statSync } from 'node:fs'

/** Raised whenever the recipe of the skeleton changes, so that older ones are built again. */
const RECIPE = 5

/** Files and directories that change whenever packages of the host do. */
const WITNESSES = [
  '/usr',
  '/usr/bin',
  '/usr/sbin',
  '/usr/lib',
  '/usr/local',
  '/usr/local/bin',
  '/usr/local/lib',
  '/var/lib/dpkg/status',
  '/etc/ld.so.cache',
  '/etc/passwd',
  '/etc/group',
  '/etc/os-release',
  '/etc/alternatives',
]

/**
 * Names the state of the host's userland, in 16 hex digits: a template made from another state is
 * another template. Costs a dozen stat calls.
 */
export function hostFingerprint(inputs: readonly string[], files: readonly string[]): string {
  const hash = createHash('sha256').update(`${RECIPE}\n`)
  for (const input of inputs) hash.update(`${input}\n`)
  for (const path of [...WITNESSES, ...files]) {
    const status = statSync(path, { throwIfNoEntry: false, bigint: true })
    hash.update(status === undefined ? `${path} absent\n` : `${path} ${status.ino} ${status.size} ${status.mtimeNs}\n`)
  }
  return hash.digest('hex').slice(0, 16)
}
