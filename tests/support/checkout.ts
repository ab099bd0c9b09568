// SPDX-License-Identifier: Apache-2.0
import path from 'node:path'
import { fileURLToPath } from 'node:url'

/** Absolute path of the checkout that is being tested. */
export const CHECKOUT = path.resolve(fileURLToPath(new URL('../..', import.meta.url)))

/** The programs as they lie in a checkout; each starts with the Node that the lockfile pins. */
export interface Programs {
  readonly node: string
  readonly isola: string
  readonly isolad: string
}

export function programsIn(checkout: string): Programs {
  return {
    node: path.join(checkout, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin', 'node'),
    isola: path.join(checkout, 'cli', 'bin', 'isola.js'),
    isolad: path.join(checkout, 'server', 'bin', 'isolad.js'),
  }
}
