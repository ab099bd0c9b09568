// SPDX-License-Identifier: Apache-2.0
// Writes every file that is generated from the contract; with --check it only tells which ones differ.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import {
  AGENT_GENERATION,
  agentOperations,
  LAUNCHER_GENERATION,
  launcherOperations,
  RELAY_GENERATION,
  relayOperations,
} from '../src/index.ts'
import { errorsPage } from './errors-page.ts'
import { generationSnapshot } from './generation-snapshot.ts'
import { openapiDocument } from './openapi-document.ts'

const protocol = join(import.meta.dirname, '..')
const root = join(protocol, '..')
const { version } = JSON.parse(readFileSync(join(protocol, 'package.json'), 'utf8')) as { version: string }

const pins: Record<string, string> = {
  [join(protocol, 'openapi.json')]: json(openapiDocument(version)),
  [join(protocol, 'generations', `agent-${AGENT_GENERATION}.json`)]: json(
    generationSnapshot('agent', AGENT_GENERATION, agentOperations),
  ),
  [join(protocol, 'generations', `launcher-${LAUNCHER_GENERATION}.json`)]: json(
    generationSnapshot('launcher', LAUNCHER_GENERATION, launcherOperations),
  ),
  [join(protocol, 'generations', `relay-${RELAY_GENERATION}.json`)]: json(
    generationSnapshot('relay', RELAY_GENERATION, relayOperations),
  ),
  [join(root, 'docs', 'reference', 'errors.md')]: errorsPage(),
}

const differing = Object.entries(pins).filter(([path, text]) => read(path) !== text)
if (process.argv.includes('--check')) {
  for (const [path] of differing)
    console.error(`${relative(root, path)}: differs from what its source says (hint: npm run pins)`)
  process.exitCode = differing.length === 0 ? 0 : 1
} else {
  for (const [path, text] of differing) {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
    console.log(`wrote ${relative(root, path)}`)
  }
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
