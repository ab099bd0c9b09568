// SPDX-License-Identifier: Apache-2.0
import { readdir, readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import { SandboxExitedEvent } from '@isola/protocol'
import type { ExitFact } from './launcher-link.ts'

/**
 * What the launcher wrote down while no server was connected; read once, then removed.
 * Safety: the files are the launcher's; a sandbox has no way to this directory.
 */
export async function takeExitFacts(stateDirectory: string): Promise<ExitFact[]> {
  const directory = path.join(stateDirectory, 'exits')
  const names = await readdir(directory).catch(() => [])
  const facts: ExitFact[] = []
  for (const name of names.filter((candidate) => candidate.endsWith('.json'))) {
    const fact = readFact(await readFile(path.join(directory, name), 'utf8').catch(() => ''))
    if (fact !== undefined) facts.push(fact)
    await rm(path.join(directory, name), { force: true })
  }
  return facts
}

export async function forgetExitFact(stateDirectory: string, sandboxId: string): Promise<void> {
  await rm(path.join(stateDirectory, 'exits', `${sandboxId}.json`), { force: true })
}

function readFact(text: string): ExitFact | undefined {
  try {
    return SandboxExitedEvent.parse({ event: 'sandbox-exited', ...(JSON.parse(text) as object) })
  } catch {
    // Half-written when the host went down: the sandbox is found dead anyway, only the reason is lost.
    return undefined
  }
}
