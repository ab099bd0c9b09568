// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import path from 'node:path'
import { isatty } from 'node:tty'
import { root } from './checkout.mjs'
import { SetupError } from './setup-error.mjs'

const USAGE = 2

/** Path of the Node that the lockfile pins for this platform. */
export function pinnedNode() {
  return path.join(root, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin', 'node')
}

/**
 * Refuses a mistyped name before the set-up takes its time.
 * @param {string} script relative to where the user is; npm runs what it runs in the checkout
 */
export function requireScript(script) {
  const file = path.resolve(script)
  if (statSync(file, { throwIfNoEntry: false })?.isFile()) return
  throw new SetupError(`run ${script}: there is no file ${file}`, 'a relative path starts at the current folder', USAGE)
}

/**
 * Runs a script with the pinned Node and ends as it ends.
 * @param {string} script relative to where the user is
 * @param {string[]} args
 */
export async function runPinned(script, args) {
  const node = pinnedNode()
  if (!existsSync(node)) {
    throw new SetupError(
      `no pinned node for ${process.platform}-${process.arch}`,
      'Isola is developed on Linux, x64 or arm64',
    )
  }
  const child = spawn(node, ['--conditions=@isola/source', path.resolve(script), ...args], {
    stdio: 'inherit',
    env: { ...process.env, PATH: `${path.dirname(node)}${path.delimiter}${process.env.PATH ?? ''}` },
  })
  passSignals(child)
  const { code, signal } = await new Promise((resolve) => {
    child.on('exit', (code, signal) => resolve({ code, signal }))
  })
  if (signal === null) {
    process.exitCode = code
    return
  }
  process.removeAllListeners(signal)
  process.kill(process.pid, signal)
}

/**
 * A terminal sends Ctrl-C to both processes, so only a signal meant for this one alone is passed on.
 * @param {import('node:child_process').ChildProcess} child
 */
function passSignals(child) {
  const terminal = isatty(0) || isatty(1) || isatty(2)
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGHUP'])) {
    const fromTerminal = terminal && (signal === 'SIGINT' || signal === 'SIGQUIT')
    process.on(signal, () => fromTerminal || child.kill(signal))
  }
}
