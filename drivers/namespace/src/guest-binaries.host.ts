// SPDX-License-Identifier: Apache-2.0
import { accessSync, constants, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { IsolaError } from '@isola/protocol'

export interface GuestBinaries {
  readonly agent: string
  readonly launcher: string
}

/** Where `doctor --fix` puts the launcher for a security module that goes by path. */
export const STABLE_LAUNCHER = '/usr/local/lib/isola/isola-launcher'

/**
 * The Rust binaries: from where the environment says, from the build of this checkout, or from the
 * package for this platform.
 * @throws host.launcher_failed with all places that were looked at.
 */
export function findGuestBinaries(env: NodeJS.ProcessEnv = process.env): GuestBinaries {
  const places = candidateDirectories(env)
  for (const directory of places) {
    const binaries = { agent: path.join(directory, 'isola-agent'), launcher: path.join(directory, 'isola-launcher') }
    if (isExecutable(binaries.agent) && isExecutable(binaries.launcher)) return binaries
  }
  throw new IsolaError('host.launcher_failed', `the launcher for ${platformName()} is not installed`, {
    hint: 'install the package for this platform, or build it in a checkout with `npm run setup`',
    context: { lookedIn: places },
  })
}

/** The launcher to start: the one that the security module knows, when it is this very version. */
export function launcherToStart(binaries: GuestBinaries): string {
  const isSame = isExecutable(STABLE_LAUNCHER) && readFileSync(STABLE_LAUNCHER).equals(readFileSync(binaries.launcher))
  return isSame ? STABLE_LAUNCHER : binaries.launcher
}

function candidateDirectories(env: NodeJS.ProcessEnv): string[] {
  const given = env['ISOLA_GUEST_DIR']
  if (given) return [path.resolve(given)]
  const built = path.resolve(import.meta.dirname, '../../../guest/target/release')
  return [built, ...packageDirectory()]
}

function packageDirectory(): string[] {
  try {
    const manifest = createRequire(import.meta.url).resolve(`@isola/guest-${platformName()}/package.json`)
    return [path.join(path.dirname(manifest), 'bin')]
  } catch {
    return []
  }
}

function platformName(): string {
  return `${process.platform}-${process.arch}`
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
