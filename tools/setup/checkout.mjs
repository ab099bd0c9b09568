// SPDX-License-Identifier: Apache-2.0
import { accessSync, constants, existsSync } from 'node:fs'
import { userInfo } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { SetupError } from './setup-error.mjs'

/** Absolute path of the checkout. */
export const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '')

/**
 * Refuses early, in one line, what would otherwise fail half-way through a long step.
 * @param {string} relative a folder of the checkout that a step is about to write
 * @param {string} step what the step is called
 */
export function requireWritable(relative, step) {
  const folder = path.join(root, relative)
  const existing = existsSync(folder) ? folder : path.dirname(folder)
  try {
    accessSync(existing, constants.W_OK)
  } catch {
    throw new SetupError(
      `${step}: ${existing} is not writable for ${userName()}`,
      'run the set-up once as the owner of the checkout, or clone it into a folder of your own',
    )
  }
}

function userName() {
  try {
    return `user ${userInfo().username}`
  } catch {
    return `user id ${process.getuid?.() ?? 'unknown'}`
  }
}
