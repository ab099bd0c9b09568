// SPDX-License-Identifier: Apache-2.0
import {
  type BlankSpec,
  type ByteChannel,
  type Driver,
  type DriverReport,
  type Journal,
  Operation,
  type SandboxRef,
  type TemplateSource,
} from '@isola/core'
import { IsolaError, type LauncherLimits, type Resources } from '@isola/protocol'
import { driverReport, unavailableReport } from './driver-report.ts'
import { exitReason } from './exit-reason.ts'
import { fixAppArmor } from './fix-apparmor.host.ts'
import { findGuestBinaries, type GuestBinaries } from './guest-binaries.host.ts'
import { readHostCapacity, readOpenFilesMax } from './host-limits.host.ts'
import { Launcher } from './launcher.host.ts'
import { Relay } from './relay.host.ts'
import { changedLimits, fileOwners, launcherLimits, prepareRequest } from './plan.ts'
import { type HostLimits, planResources, sharesOf } from './plan-resources.ts'
import { connectUnix } from './unix-channel.host.ts'

/** Agent sockets lie below; a unix socket's path has at most 107 bytes. */
const STATE_PATH_BYTES_MAX = 80
const CLOSE_TIMEOUT_MS = 5000

export interface NamespaceDriverOptions {
  /** Absolute; of this driver alone. */
  readonly stateDirectory: string
  readonly templates: TemplateSource
  readonly journal: Journal
  /** Default: those of this installation. */
  readonly findBinaries?: () => GuestBinaries
}

interface NamespaceRef extends SandboxRef {
  readonly pid: number
  readonly agentSocket: string
  readonly limits: LauncherLimits
}

/** Isolation with Linux namespaces; everything that touches the kernel is done by the launcher. */
export function createNamespaceDriver(options: NamespaceDriverOptions): Driver {
  const { stateDirectory, templates, journal } = options
  const findBinaries = options.findBinaries ?? findGuestBinaries
  const listeners: ((sandboxId: string, reason: string) => void)[] = []
  const launcher = new Launcher({
    stateDirectory,
    findBinaries,
    journal,
    onExit: (fact) => {
      for (const listener of listeners) listener(fact.sandboxId, exitReason(fact))
    },
  })
  let verdict: Promise<DriverReport> | undefined
  let host: HostLimits | undefined
  let wasInVain = false

  const probe = async (): Promise<DriverReport> => {
    const problem = stateDirectoryProblem(stateDirectory)
    if (problem !== undefined) return problem
    const operation = new Operation('probe this host', { timeoutMs: 60_000 })
    if (wasInVain) await launcher.renew(operation)
    const found = await launcher.call('probe', {}, operation)
    const [openFilesMax, capacity] = await Promise.all([readOpenFilesMax(), readHostCapacity(stateDirectory)])
    const shares = sharesOf(capacity.memoryMib, capacity.diskMib)
    host = { capabilities: found.capabilities, checks: found.checks, openFilesMax, shares }
    const report = driverReport(found)
    wasInVain = !report.available
    return report
  }

  const probed = (): HostLimits => {
    if (host === undefined) throw new IsolaError('driver.unavailable', 'the namespace driver was not probed')
    return host
  }

  const resolve = async (template: string, operation: Operation) =>
    templates.resolve(
      template,
      {
        fileOwners: fileOwners(probed().capabilities),
        findUnreadable: async (path, operation) => (await launcher.call('maskscan', { path }, operation)).entries,
      },
      operation,
    )

  const relay = new Relay(launcher, journal)

  return {
    name: 'namespace',
    egress: relay,
    async probe(operation) {
      const asked = (verdict ??= probe())
      const forget = (): void => {
        if (verdict === asked) verdict = undefined
      }
      try {
        const report = await operation.race(asked)
        // A host that cannot isolate may be mended at any time, by `doctor --fix` for one.
        if (!report.available) forget()
        return report
      } catch (error) {
        if (operation.signal.aborted) throw error
        // Not a verdict: it may work the next time.
        forget()
        return unavailableReport('launcher', messageOf(error), hintOf(error))
      }
    },
    planResources: (asked: Resources, defaults: Resources) => planResources(asked, defaults, probed()),
    async resolveTemplate(template, operation) {
      const { fingerprint, env, workdir } = await resolve(template, operation)
      return { fingerprint, env, workdir }
    },
    async prepare(spec: BlankSpec, operation) {
      const request = prepareRequest(spec, await resolve(spec.template, operation))
      const prepared = await launcher.call('prepare', request, operation)
      operation.log(`the launcher prepared it: ${JSON.stringify(prepared.timingsUs)}`)
      return { ...prepared, sandboxId: spec.sandboxId, limits: request.limits }
    },
    async personalise(ref, resources, operation) {
      const limits = changedLimits((ref as NamespaceRef).limits, launcherLimits(resources))
      if (limits !== undefined) await launcher.call('limits', { sandboxId: ref.sandboxId, limits }, operation)
    },
    connect: (ref, operation): Promise<ByteChannel> => connectUnix((ref as NamespaceRef).agentSocket, operation),
    async freeze({ sandboxId }, operation) {
      await launcher.call('freeze', { sandboxId }, operation)
    },
    async thaw({ sandboxId }, operation) {
      await launcher.call('thaw', { sandboxId }, operation)
    },
    async stats({ sandboxId }, operation) {
      const { memoryBytes, memoryPeakBytes, cpuUsec, pids, oomKills } = await launcher.call(
        'stats',
        { sandboxId },
        operation,
      )
      return {
        memoryBytes: memoryBytes ?? null,
        memoryPeakBytes: memoryPeakBytes ?? null,
        cpuUsec: cpuUsec ?? null,
        pids: pids ?? null,
        oomKills: oomKills ?? null,
      }
    },
    async destroy(sandboxId, operation) {
      await launcher.call('destroy', { sandboxId }, operation)
    },
    async list(operation) {
      const { sandboxes } = await launcher.call('list', {}, operation)
      if (sandboxes.length === 0)
        templates.removeUnused().catch((error: unknown) => journal.warn('could not look for old templates', { error }))
      return new Map(sandboxes.map(({ sandboxId, alive }) => [sandboxId, { alive }]))
    },
    onExit: (listener) => void listeners.push(listener),
    fix: (operation) => fixAppArmor(findBinaries().launcher, operation),
    async close() {
      await relay.close()
      if (launcher.isOpen) await leaveNothingIdle(launcher, journal)
      await launcher.close()
    },
  }
}

/** A launcher with nothing to launch and nobody to launch for has no reason to stay. */
async function leaveNothingIdle(launcher: Launcher, journal: Journal): Promise<void> {
  const operation = new Operation('close the namespace driver', { timeoutMs: CLOSE_TIMEOUT_MS })
  try {
    const { sandboxes } = await launcher.call('list', {}, operation)
    if (sandboxes.length === 0) await launcher.shutDown(operation)
  } catch (error) {
    journal.warn('could not ask the launcher to leave', { error })
  }
}

function stateDirectoryProblem(stateDirectory: string): DriverReport | undefined {
  if (Buffer.byteLength(stateDirectory) <= STATE_PATH_BYTES_MAX) return undefined
  return unavailableReport(
    'state-directory',
    `the path ${stateDirectory} is too long for the sockets below it (at most ${STATE_PATH_BYTES_MAX} bytes)`,
    'set ISOLA_STATE_DIR to a shorter path',
  )
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function hintOf(error: unknown): string {
  return IsolaError.is(error) ? error.hint : 'look at launcher.log in the state directory'
}
