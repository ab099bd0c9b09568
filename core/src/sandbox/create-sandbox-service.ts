// SPDX-License-Identifier: Apache-2.0
import { IsolaError, randomId } from '@isola/protocol'
import { listAgentFiles, readAgentFile } from '../agent-link/agent-files.ts'
import { startAgentProcess } from '../agent-link/agent-process.ts'
import { uploadFile } from '../agent-link/agent-upload.ts'
import type { AgentLink } from '../agent-link/agent-link.ts'
import type { Operation } from '../operation/operation.ts'
import { makePool } from '../pool/make-pool.ts'
import { removeSandbox } from '../pool/make-blank.ts'
import { adoptSandboxes } from './adopt-sandboxes.ts'
import { AgentLinks } from './agent-links.ts'
import { driverNamed } from './choose-driver.ts'
import { Claims } from './claims.ts'
import { CreateAttempts } from './create-attempts.ts'
import { createSandbox } from './create-sandbox.ts'
import { Destroyer } from './destroy-sandbox.ts'
import type { DomainParts } from './domain-parts.ts'
import { Idempotency } from './idempotency.ts'
import { ExitNotes } from './note-exit.ts'
import { reopenNetworks } from './reopen-networks.ts'
import { setNetwork } from './set-network.ts'
import { SandboxRecords } from './sandbox-records.ts'
import type { SandboxDomain, SandboxServiceDeps } from './service-deps.ts'

const DEFAULT_CLAIM_TIMEOUT_MS = 30_000

/** The domain, put together. Drivers and store belong to the caller, who closes them after `close()`. */
export function createSandboxService(deps: SandboxServiceDeps): SandboxDomain {
  const parts = makeParts(deps, (id) => exits.note(id, 'nobody claimed it'))
  const destroyer = new Destroyer(parts)
  const exits = new ExitNotes(parts, destroyer)
  const idempotency = new Idempotency(deps.store, deps.random, (id) => parts.attempts.isUnwanted(id))
  let isClosing = false
  let leftoversRemoved = Promise.resolve()
  for (const driver of deps.drivers) driver.onExit((id, reason) => exits.note(id, reason))

  const agentOf = (idOrName: string, operation: Operation): Promise<AgentLink> =>
    parts.links.open(parts.records.getRunning(idOrName), operation)

  return {
    async start(operation) {
      const { report, removed } = await adoptSandboxes(parts, destroyer, () => isClosing, operation)
      leftoversRemoved = removed
      parts.pool.start()
      void reopenNetworks(parts, () => isClosing)
      return report
    },
    async create(request, operation, idempotencyKey) {
      return idempotency.once(idempotencyKey, request, operation, async (shared, remember) => {
        if (isClosing) throw new IsolaError('server.closing', 'cannot create a sandbox while the server is stopping')
        return createSandbox(parts, request, shared, remember)
      })
    },
    setNetwork: (idOrName, network, operation) => setNetwork(parts, idOrName, network, operation),
    get: (idOrName) => parts.records.get(idOrName),
    list: (query) => deps.store.list(query),
    destroy: (idOrName, reason, operation) => destroyer.destroy(idOrName, reason, operation),

    call: async (idOrName, op, request, operation) => (await agentOf(idOrName, operation)).call(op, request, operation),
    startProcess: async (idOrName, spec, operation) =>
      startAgentProcess(await agentOf(idOrName, operation), spec, operation),
    readFile: async (idOrName, request, operation) =>
      readAgentFile(await agentOf(idOrName, operation), request, operation),
    writeFile: async (idOrName, request, content, operation) =>
      uploadFile(await agentOf(idOrName, operation), request, content, operation),
    listFiles: async (idOrName, request, operation) =>
      listAgentFiles(await agentOf(idOrName, operation), request, operation),

    claim: (idOrName) => parts.claims.claim(parts.records.get(idOrName).id),
    livingCount: () => countLiving(parts),
    readyCount: () => parts.pool.readyCount,
    async close() {
      isClosing = true
      parts.claims.close()
      exits.close()
      await parts.attempts.stopAll()
      // A driver with nothing left to do is let go of when it is closed, so nothing may be half removed by then.
      await Promise.all([parts.pool.close(), leftoversRemoved, destroyer.settled()])
      parts.links.closeAll('the server is stopping')
    },
  }
}

function makeParts(deps: SandboxServiceDeps, collect: (id: string) => void): DomainParts {
  const links = new AgentLinks((name) => driverNamed(deps.drivers, name), deps.random)
  const parts: Omit<DomainParts, 'pool'> = {
    deps,
    records: new SandboxRecords(deps.store, deps.clock),
    links,
    claims: new Claims(deps.clock, deps.claimTimeoutMs ?? DEFAULT_CLAIM_TIMEOUT_MS, collect),
    attempts: new CreateAttempts(),
    newSandboxId: () => randomId('sb', (bytes) => deps.random.bytes(bytes.length)),
    blankMaker: (driver) => ({ driver, connect: (...args) => links.connectTo(...args) }),
    remove: (driver, id) => {
      deps.egress?.forget(id)
      return removeSandbox(driver, id)
    },
  }
  return { ...parts, pool: makePool(parts) }
}

function countLiving(parts: DomainParts): number {
  let living = 0
  for (const record of parts.records.all()) if (record.state !== 'failed') living += 1
  return living
}
