// SPDX-License-Identifier: Apache-2.0
// The composition root: the one place that knows which drivers there are.
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { TemplateSource } from '@isola/core'
import { createNamespaceDriver, findGuestBinaries } from '@isola/driver-namespace'
import { createTemplates } from '@isola/images'
import type { ServerConfig } from './config.ts'
import { runIsolad } from './isolad.ts'
import { makeJournal } from './lifecycle/journal.ts'
import { type MakeDrivers, type RunningServer, serve } from './lifecycle/serve.ts'

/** Best first. */
const makeDrivers: MakeDrivers = (stateDirectory, journal) => [
  createNamespaceDriver({
    stateDirectory: join(stateDirectory, 'namespace'),
    templates: hostTemplates(stateDirectory),
    journal,
  }),
]

/** Made at first use: a server without guest binaries starts all the same, and its driver says what is missing. */
function hostTemplates(stateDirectory: string): TemplateSource {
  let made: TemplateSource | undefined
  const templates = (): TemplateSource => {
    made ??= createTemplates({ stateDirectory, agentBinary: findGuestBinaries().agent, env: process.env })
    return made
  }
  return {
    resolve: async (...request) => templates().resolve(...request),
    // Asked only after the launcher has answered, so the binaries are there.
    removeUnused: async () => templates().removeUnused(),
  }
}

/** A server in this process; see RunningServer for how to end it. @throws AlreadyRunning, server.start_failed */
export function startServer(config: ServerConfig): Promise<RunningServer> {
  return serve(
    config,
    makeDrivers,
    makeJournal((line) => process.stderr.write(line)),
  )
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await runIsolad(process.argv.slice(2), makeDrivers)
