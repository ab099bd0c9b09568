// SPDX-License-Identifier: Apache-2.0
// npm run check [step...]: every tool over the tree, then the proof that each of them bites.
import { bite } from './check/bite.ts'
import { runSteps } from './check/run-steps.ts'
import { steps } from './check/steps.ts'
import { root } from './run-to-end.ts'

const names = process.argv.slice(2)
const known = [...steps.map(({ name }) => name), 'bite']
const unknown = names.filter((name) => !known.includes(name))
if (unknown.length > 0) {
  console.error(`no check named ${unknown.join(', ')} (hint: ${known.join(', ')})`)
  process.exit(2)
}

const chosen = steps.filter(({ name }) => names.length === 0 || names.includes(name))
const clean = await runSteps(chosen, root)
const proven = names.length > 0 && !names.includes('bite') ? true : await bite()
process.exitCode = clean && proven ? 0 : 1
