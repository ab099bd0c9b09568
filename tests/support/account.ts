// SPDX-License-Identifier: Apache-2.0
import { accessSync, constants, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import path from 'node:path'
import { CHECKOUT } from './checkout.ts'
import { onHostChecked } from './on-host.ts'

/** Who runs Isola in a test. */
export interface Account {
  readonly uid: number
  readonly gid: number
  /** Put in front of a command so that it runs as this account. */
  readonly prefix: readonly string[]
  /** Takes away what was made for it. */
  [Symbol.dispose]?(): void
}

/** An id that no system hands out: the account exists only while a test runs, in no user database. */
const ORDINARY_ID = 64_512

export const isRoot = process.getuid?.() === 0

export const rootAccount: Account = { uid: 0, gid: 0, prefix: [] }
export const ordinaryAccount: Account = isRoot
  ? {
      uid: ORDINARY_ID,
      gid: ORDINARY_ID,
      prefix: [
        'setpriv',
        `--reuid=${ORDINARY_ID}`,
        `--regid=${ORDINARY_ID}`,
        '--clear-groups',
        '--inh-caps=-all',
        '--',
      ],
    }
  : { uid: process.getuid?.() ?? -1, gid: process.getgid?.() ?? -1, prefix: [] }

let readable: Promise<string> | undefined

/** A checkout that every account can read: the one under test, or a copy when a folder above it is closed. */
export function readableCheckout(): Promise<string> {
  readable ??= isRoot && !isOpenToAll(CHECKOUT) ? copyOf(CHECKOUT) : Promise.resolve(CHECKOUT)
  return readable
}

function isOpenToAll(folder: string): boolean {
  for (let at = folder; at !== '/'; at = path.dirname(at)) {
    if ((statSync(at).mode & 0o005) !== 0o005) return false
  }
  return true
}

/** Hard links where the file system allows them: a copy of everything would be half a gigabyte. */
async function copyOf(checkout: string): Promise<string> {
  const place = path.join(mkdtempSync('/tmp/it-'), 'checkout')
  mkdirSync(place)
  process.once('exit', () => rmSync(path.dirname(place), { recursive: true, force: true }))
  await onHostChecked(['chmod', '755', path.dirname(place)])
  const parts = [
    'protocol',
    'core',
    'drivers',
    'images',
    'server',
    'sdk',
    'cli',
    'guest/npm',
    'node_modules',
    'package.json',
  ]
  for (const part of parts) {
    const from = path.join(checkout, part)
    if (!existsSync(from)) continue
    mkdirSync(path.dirname(path.join(place, part)), { recursive: true })
    try {
      await onHostChecked(['cp', '-al', from, path.join(place, part)])
    } catch {
      cpSync(from, path.join(place, part), { recursive: true, verbatimSymlinks: true })
    }
  }
  for (const binary of ['isola-agent', 'isola-launcher']) {
    const built = path.join(checkout, 'guest/target/release', binary)
    if (!isReadable(built)) continue
    mkdirSync(path.join(place, 'guest/target/release'), { recursive: true })
    cpSync(built, path.join(place, 'guest/target/release', binary))
  }
  return place
}

function isReadable(file: string): boolean {
  try {
    accessSync(file, constants.R_OK)
    return true
  } catch {
    return false
  }
}
