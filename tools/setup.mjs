// SPDX-License-Identifier: Apache-2.0
// Sets up what is missing, then runs a script of this repository with the pinned Node:
//   node tools/setup.mjs [script.ts [arguments...]]
// Plain JavaScript without dependencies: it is what runs on a fresh checkout under any Node since 20.
import { installPackages } from './setup/packages.mjs'
import { buildGuest, requireGuestTools } from './setup/guest.mjs'
import { requireScript, runPinned } from './setup/pinned-node.mjs'
import { SetupError } from './setup/setup-error.mjs'

const [script, ...args] = process.argv.slice(2)
const NODE_OLDEST = 20

try {
  requireNode()
  if (script) requireScript(script)
  requireGuestTools()
  await installPackages()
  await buildGuest()
  if (script) await runPinned(script, args)
  else console.log('set-up is complete')
} catch (error) {
  if (!(error instanceof SetupError)) throw error
  console.error(`${error.message} (hint: ${error.hint})`)
  process.exitCode = error.exitCode
}

function requireNode() {
  const major = Number(process.versions.node.split('.')[0])
  if (major >= NODE_OLDEST) return
  throw new SetupError(
    `node ${process.versions.node} cannot run the set-up`,
    `install node ${NODE_OLDEST} or newer; the one the project runs on is fetched by npm`,
  )
}
