// SPDX-License-Identifier: Apache-2.0
import { type CreateSandboxParsed, type ErrorCode, IsolaError, type Resources, randomId } from '@isola/protocol'
import { toHex } from '../agent-link/hex.ts'
import { Cleanup } from '../operation/cleanup.ts'
import type { Operation } from '../operation/operation.ts'
import type { Blank } from '../pool/blank.ts'
import { makeBlank } from '../pool/make-blank.ts'
import type { NetworkSettings } from '../ports/egress.ts'
import type { SandboxRecord } from '../ports/store.ts'
import type { TemplateDefaults } from '../ports/template-source.ts'
import { type ChosenDriver, chooseDriver } from './choose-driver.ts'
import { DEFAULT_RESOURCES } from './default-resources.ts'
import type { DomainParts } from './domain-parts.ts'
import { personalityOf } from './personality.ts'
import { NO_SETTINGS, writeSettings } from './network-settings.ts'
import { pruneFailed } from './prune-failed.ts'
import { requireEgress } from './require-egress.ts'
import { isLiving } from './sandbox-state.ts'

/** What a request means on this host, before anything was made. */
interface CreatePlan extends ChosenDriver {
  readonly request: CreateSandboxParsed
  readonly resources: Resources
  readonly template: TemplateDefaults
  readonly settings: NetworkSettings
}

/** The whole of create: decide, take a blank, make it somebody's. A blank that died in the pool is replaced. */
export async function createSandbox(
  parts: DomainParts,
  request: CreateSandboxParsed,
  operation: Operation,
  remember: (sandboxId: string) => void,
): Promise<SandboxRecord> {
  const plan = await planCreate(parts, request, operation)
  requireFreeName(parts, request.name)
  for (;;) {
    const blank = parts.pool.take(plan.driver.name, request.template, plan.template.fingerprint)
    try {
      return await createFrom(parts, plan, blank, operation, remember)
    } catch (error) {
      if (blank === undefined || !diedInPool(error)) throw error
      operation.log(`the blank ${blank.id} from the pool is dead: ${error.message}`)
    }
  }
}

async function planCreate(parts: DomainParts, request: CreateSandboxParsed, operation: Operation): Promise<CreatePlan> {
  const chosen = await chooseDriver(parts.deps.drivers, request.driver, operation)
  requireEgress(parts, chosen, request.network)
  const resources = chosen.driver.planResources(request.resources, DEFAULT_RESOURCES)
  const template = await operation.race(chosen.driver.resolveTemplate(request.template, operation))
  const settings =
    parts.deps.egress === undefined ? NO_SETTINGS : await operation.race(parts.deps.egress.settings(request.network))
  operation.log(`planned on driver ${chosen.driver.name}`)
  return { ...chosen, request, resources, template, settings }
}

/** The store has the last word; asking first spares the blank that a refused request would use up. */
function requireFreeName(parts: DomainParts, name: string | undefined): void {
  const holder = name === undefined ? undefined : parts.records.store.find(name)
  if (holder === undefined || holder.name !== name || !isLiving(holder.state)) return
  throw new IsolaError('sandbox.name_taken', `a sandbox named ${name} exists already`, { context: { name } })
}

async function createFrom(
  parts: DomainParts,
  plan: CreatePlan,
  blank: Blank | undefined,
  operation: Operation,
  remember: (sandboxId: string) => void,
): Promise<SandboxRecord> {
  const draft = draftRecord(parts, plan, blank)
  const attempt = parts.attempts.begin(draft.id, operation)
  const cleanup = new Cleanup()
  let isRecorded = false
  try {
    // The agent of a blank from the pool works while the record is written. Should the server be killed
    // in between, the blank belongs to nobody and is swept.
    const begun = blank && beginWithBlank(parts, plan, draft, blank, attempt.operation, cleanup)
    parts.records.insert(draft)
    isRecorded = true
    remember(draft.id)
    const ready = blank ?? (await prepareBlank(parts, plan, draft, attempt.operation, cleanup))
    closeLinkOnFailure(ready, cleanup)
    await (begun ?? personalise(parts, plan, draft, ready, attempt.operation))
    attempt.operation.check()
    // Its exit was not noted while the record said `creating`.
    if (ready.link.frames.closedWith !== undefined) throw ready.link.frames.closedWith
    const record = parts.records.transition(draft.id, 'started', 'created', {
      ref: ready.ref,
      runId: randomId('rn', (bytes) => parts.deps.random.bytes(bytes.length)),
      runStartedAt: parts.records.now(),
      agentGeneration: ready.link.generation,
    })
    parts.links.adopt(draft.id, ready.link)
    if (record.ephemeral) parts.claims.watch(record.id)
    return record
  } catch (error) {
    const left = await cleanup.run()
    throw isRecorded ? recordFailure(parts, draft, error, left, blank !== undefined) : error
  } finally {
    attempt.end()
  }
}

function beginWithBlank(
  parts: DomainParts,
  plan: CreatePlan,
  draft: SandboxRecord,
  blank: Blank,
  operation: Operation,
  cleanup: Cleanup,
): Promise<void> {
  cleanup.add('remove the blank', () => parts.remove(plan.driver, blank.id))
  const begun = personalise(parts, plan, draft, blank, operation)
  // It is awaited later; until then a failure must not count as unhandled.
  begun.catch(() => {})
  return begun
}

function closeLinkOnFailure(blank: Blank, cleanup: Cleanup): void {
  cleanup.add('close the connection', () =>
    blank.link.frames.close(new IsolaError('sandbox.gone', 'the sandbox was not created')),
  )
}

function draftRecord(parts: DomainParts, plan: CreatePlan, blank: Blank | undefined): SandboxRecord {
  const { request, resources, report, template, driver } = plan
  const createdAt = parts.records.now()
  return {
    id: blank?.id ?? parts.newSandboxId(),
    name: request.name ?? null,
    state: 'creating',
    desiredState: 'running',
    template: request.template,
    driver: driver.name,
    isolation: report.isolation,
    labels: request.labels,
    resources,
    env: request.env,
    workdir: request.workdir ?? template.workdir,
    ephemeral: request.ephemeral,
    network: request.network,
    keyHex: blank?.keyHex ?? toHex(parts.deps.random.bytes(32)),
    ref: blank?.ref ?? null,
    runId: null,
    runStartedAt: null,
    createdAt,
    transitions: [{ at: createdAt, from: null, to: 'creating', reason: 'requested' }],
  }
}

function prepareBlank(
  parts: DomainParts,
  plan: CreatePlan,
  draft: SandboxRecord,
  operation: Operation,
  cleanup: Cleanup,
): Promise<Blank> {
  const spec = {
    sandboxId: draft.id,
    keyHex: draft.keyHex,
    template: draft.template,
    resources: draft.resources,
    volatile: draft.ephemeral,
  }
  return makeBlank(parts.blankMaker(plan.driver), spec, plan.template, operation, cleanup)
}

/** The agent's half, the host's and that of the network know nothing of each other, so they run side by side. */
async function personalise(
  parts: DomainParts,
  plan: CreatePlan,
  draft: SandboxRecord,
  blank: Blank,
  operation: Operation,
): Promise<void> {
  const pidsByRlimit = plan.report.capabilities?.limits.pids === 'rlimit'
  const defaults = { ...plan.template, env: { ...plan.template.env, ...plan.settings.env } }
  const personality = personalityOf(draft, blank.ref, defaults, pidsByRlimit, parts.deps.random)
  const halves = await Promise.allSettled([
    operation.race(plan.driver.personalise(blank.ref, draft.resources, operation)),
    blank.link.call('personalise', personality, operation),
    parts.deps.egress?.apply(plan.driver, blank.ref, draft.network, operation),
  ])
  for (const half of halves) if (half.status === 'rejected') throw half.reason
  await writeSettings(blank, plan.settings, operation)
  operation.log('personalised')
}

/** A failure is a recorded object: the sandbox stays to be looked at, without its name, holding nothing. */
function recordFailure(
  parts: DomainParts,
  draft: SandboxRecord,
  cause: unknown,
  left: readonly string[],
  fromPool: boolean,
): IsolaError {
  const failure = createFailure(draft.id, cause, left)
  if (left.length > 0) parts.deps.journal.warn('could not clean up after a failed create', { id: draft.id, left })
  const disposable =
    (draft.ephemeral && left.length === 0) || (fromPool && diedInPool(failure)) || parts.attempts.isUnwanted(draft.id)
  if (disposable) parts.records.store.remove(draft.id)
  else
    parts.records.transition(draft.id, 'create-failed', failure.message, {
      name: null,
      ref: null,
      desiredState: 'destroyed',
    })
  pruneFailed(parts.records)
  return failure
}

/** What only tells that the inside did not come up says so; errors that the caller can act on stay as they are. */
const INNER_FAILURES: ReadonlySet<ErrorCode> = new Set([
  'agent.protocol',
  'sandbox.agent_unreachable',
  'process.start_failed',
])

function createFailure(id: string, cause: unknown, left: readonly string[]): IsolaError {
  if (IsolaError.is(cause) && !INNER_FAILURES.has(cause.code)) return cause
  const why = cause instanceof Error ? cause.message : String(cause)
  return new IsolaError('sandbox.create_failed', `could not create sandbox ${id}: ${why}`, {
    cause,
    context: { sandboxId: id, ...(left.length > 0 ? { left } : {}) },
  })
}

function diedInPool(error: unknown): error is IsolaError {
  return (
    IsolaError.is(error) &&
    error.code === 'sandbox.create_failed' &&
    IsolaError.is(error.cause) &&
    error.cause.code === 'sandbox.agent_unreachable'
  )
}
