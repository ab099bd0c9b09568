// SPDX-License-Identifier: Apache-2.0
import type { NamespaceCapabilities, ProbeCheck, Resources } from '@isola/protocol'
import type { Operation } from '../operation/operation.ts'
import type { TemplateDefaults } from '../ports/template-source.ts'
import type { ByteChannel } from './byte-channel.ts'
import type { EgressRelay } from './egress-relay.ts'

export interface DriverReport {
  readonly available: boolean
  /** In words, as shown in `inspect`: technique, root or rootless, cgroups, users. */
  readonly isolation: string
  readonly checks: readonly ProbeCheck[]
  readonly capabilities: NamespaceCapabilities | null
}

export interface BlankSpec {
  readonly sandboxId: string
  readonly keyHex: string
  readonly template: string
  readonly resources: Resources
  /** Nobody will keep what this sandbox writes: flushing to disk may be skipped. */
  readonly volatile: boolean
}

/** What a driver needs to find a sandbox again after a restart. Plain JSON; only its driver looks inside. */
export interface SandboxRef {
  readonly sandboxId: string
  readonly users: 'range' | 'single'
  readonly [detail: string]: unknown
}

export interface SandboxStats {
  readonly memoryBytes: number | null
  readonly memoryPeakBytes: number | null
  readonly cpuUsec: number | null
  readonly pids: number | null
  readonly oomKills: number | null
}

/** One thing that `doctor --fix` did, or why it did not. */
export interface AppliedFix {
  readonly id: string
  readonly applied: boolean
  readonly detail: string
}

/**
 * How isolation is done. A driver knows lifecycle and one byte channel, nothing of what
 * happens inside: that is the agent's, and the same for every driver.
 */
export interface Driver {
  readonly name: string
  /** How what leaves a sandbox can be decided about; absent where it cannot. */
  readonly egress?: EgressRelay
  /** The verdict of really trying; kept until the server ends, unless it is that nothing works. */
  probe(operation: Operation): Promise<DriverReport>
  /**
   * What will be enforced: all that is asked for, and of the defaults those that this host can hold.
   * Pure once probed.
   * @throws limit.unenforceable, with the reason and the fix, for what is asked for and cannot hold.
   */
  planResources(asked: Resources, defaults: Resources): Resources
  /** @throws template.not_found, template.build_failed */
  resolveTemplate(template: string, operation: Operation): Promise<TemplateDefaults>
  /** Makes a blank: its agent runs as pid 1, nothing of the tenant is in it. */
  prepare(spec: BlankSpec, operation: Operation): Promise<SandboxRef>
  /** The host's half of personalising: limits that differ from those the blank was made with. */
  personalise(ref: SandboxRef, resources: Resources, operation: Operation): Promise<void>
  connect(ref: SandboxRef, operation: Operation): Promise<ByteChannel>
  /** Freezes what runs inside; files stay reachable. */
  freeze(ref: SandboxRef, operation: Operation): Promise<void>
  thaw(ref: SandboxRef, operation: Operation): Promise<void>
  stats(ref: SandboxRef, operation: Operation): Promise<SandboxStats>
  /** Ends every process and removes every trace. Idempotent. */
  destroy(sandboxId: string, operation: Operation): Promise<void>
  /** Which of these are alive on the host, whoever made them. */
  list(operation: Operation): Promise<ReadonlyMap<string, { alive: boolean }>>
  /** A sandbox ended by itself. */
  onExit(listener: (sandboxId: string, reason: string) => void): void
  /** Repairs of this host that the driver knows; each effect is told. Needs the rights that the repair needs. */
  fix(operation: Operation): Promise<readonly AppliedFix[]>
  /** Lets go of the host; living sandboxes live on. */
  close(): Promise<void>
}
