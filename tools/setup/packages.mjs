// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs'
import path from 'node:path'
import { requireWritable, root } from './checkout.mjs'
import { pinnedNode } from './pinned-node.mjs'
import { fingerprint, readStamp, writeStamp } from './stamp.mjs'
import { runStep } from './step.mjs'

const TITLE = 'install npm packages'
const STAMP = 'node_modules/.isola-packages'

/** Installs exactly what the lockfile names, unless that is what is there. */
export async function installPackages() {
  const wanted = fingerprint(['package-lock.json'])
  if (readStamp(STAMP) === wanted && existsSync(pinnedNode())) return
  requireWritable('node_modules', TITLE)
  const npm = npmCommand()
  await runStep({
    title: TITLE,
    command: npm.command,
    args: [...npm.args, 'ci', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'],
    cwd: root,
    hint: hintFor,
  })
  writeStamp(STAMP, wanted)
}

/** Under `npm run`, npm says where it is; otherwise it is looked for on PATH. */
function npmCommand() {
  const script = process.env.npm_execpath
  if (script && path.basename(script) === 'npm-cli.js') return { command: process.execPath, args: [script] }
  return { command: 'npm', args: [] }
}

/** @param {string} output */
function hintFor(output) {
  if (/ENOENT/.test(output) && /spawn npm/.test(output)) return 'install npm, it comes with node'
  if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|network/i.test(output)) {
    return 'the first set-up needs the network: check the connection and the registry in your npm settings'
  }
  if (/EACCES|EROFS/.test(output)) return 'the folder or the npm cache belongs to another user: see the path above'
  if (/ENOSPC/.test(output)) return 'free about 1 GB of disk space'
  if (/package-lock|lock file/.test(output)) return 'a package.json changed: run npm install and commit the lockfile'
  return 'see the lines above; `npm ci` in the checkout does the same step by hand'
}
