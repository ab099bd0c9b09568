// SPDX-License-Identifier: Apache-2.0
// What the server does for create and run, without server: the domain, its store and the driver, called directly.
import path from 'node:path'
import { createSandboxService, type Journal, Operation, type SandboxDomain } from '@isola/core'
import { createNamespaceDriver, findGuestBinaries } from '@isola/driver-namespace'
import { createTemplates } from '@isola/images'
import { CreateSandbox, StartProcess } from '@isola/protocol'
import { systemClock, systemRandom } from '../../server/src/lifecycle/system-ports.ts'
import { SqliteStore } from '../../server/src/store/sqlite-store.ts'
import { processSpec } from '../../server/src/streams/process-spec.ts'
import { type Begun, inRow } from './in-row.ts'
import { stopLauncher } from './isola-pids.host.ts'
import { serve } from './serve.ts'
import { recordSteps } from './steps.ts'
import { setting } from './setting.ts'

const LIMIT_MS = 60_000
const operation = (name: string): Operation => new Operation(name, { timeoutMs: LIMIT_MS })
const journal: Journal = { info: () => {}, warn: (message, fields) => console.error(message, fields) }

await serve(async () => {
  const state = setting('STATE')
  const store = new SqliteStore(path.join(state, 'isola.sqlite'))
  const templates = createTemplates({ stateDirectory: state, agentBinary: findGuestBinaries().agent })
  const driver = createNamespaceDriver({ stateDirectory: path.join(state, 'namespace'), templates, journal })
  const poolSize = Number(setting('POOL'))
  const domain = createSandboxService({
    drivers: [driver],
    store,
    clock: systemClock,
    random: systemRandom,
    journal,
    poolSize,
  })
  await domain.start(operation('start'))
  // The first one makes the template, which others may want to look at.
  await inRow(1, () => createAndRun(domain, 'first'))
  return {
    once: (nonce) => inRow(Number(setting('IN_ROW')), () => createAndRun(domain, nonce)),
    close: async () => {
      await domain.close()
      await driver.close()
      store.close()
      await stopLauncher(state)
    },
  }
})

async function createAndRun(domain: SandboxDomain, nonce: string): Promise<Begun> {
  const steps = recordSteps()
  const begin = performance.now()
  const { id } = await domain.create(CreateSandbox.parse({}), operation('create'))
  steps.mark('stored')
  const spec = processSpec(StartProcess.parse({ argv: ['echo', nonce] }))
  const live = await domain.startProcess(id, spec, operation('run'))
  steps.mark('process started')
  const stdout = await readAll(live.stdout)
  steps.mark('stdout ended')
  await Promise.all([readAll(live.stderr), live.exit])
  const value = performance.now() - begin
  steps.mark('exit told')
  const finish = async (): Promise<void> => {
    await domain.destroy(id, 'benchmark', operation('destroy'))
    if (stdout !== `${nonce}\n`) throw new Error(`wrong output ${JSON.stringify(stdout)}`)
  }
  return { value, parts: steps.since(begin), finish }
}

async function readAll(source: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of source) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}
