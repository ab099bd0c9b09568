// SPDX-License-Identifier: Apache-2.0
import type { SandboxRecord } from '@isola/core'
import { AGENT_GENERATION, type Sandbox } from '@isola/protocol'

/** What a client sees of a record: neither the key nor the driver's reference leaves the server. */
export function sandboxView(record: SandboxRecord): Sandbox {
  const { id, name, state, desiredState, template, driver, isolation, resources, workdir, ephemeral, createdAt } =
    record
  return {
    id,
    name,
    state,
    desiredState,
    template,
    driver,
    isolation,
    labels: { ...record.labels },
    resources,
    workdir,
    ephemeral,
    network: record.network,
    run: runOf(record),
    createdAt,
    transitions: [...record.transitions],
  }
}

function runOf({ runId, runStartedAt, ref, agentGeneration = AGENT_GENERATION }: SandboxRecord): Sandbox['run'] {
  if (runId === null || runStartedAt === null || ref === null) return null
  return { id: runId, startedAt: runStartedAt, agentGeneration, users: ref.users }
}
