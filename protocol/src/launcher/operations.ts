// SPDX-License-Identifier: Apache-2.0
import * as z from 'zod'

/** The control protocol of the namespace driver's launcher. Same frames as the agent's. Generation 2 added `network`. */
export const LAUNCHER_GENERATION = 2

const count = z.number().int().nonnegative()
const sandboxId = z.string()
const empty = z.object({})

export const LauncherLimits = z.object({
  memoryBytes: count.optional(),
  cpuMillis: count.optional().describe('1000 is one core'),
  pids: count.optional(),
  diskBytes: count.optional(),
})
export type LauncherLimits = z.infer<typeof LauncherLimits>

export const RootfsStack = z.object({
  root: z.object({ lowers: z.array(z.string()).min(1) }),
  usr: z.object({ lowers: z.array(z.string()).min(1) }).nullable(),
  binds: z.array(z.object({ source: z.string(), target: z.string(), readonly: z.boolean() })),
  volatile: z.boolean().describe('writes are never flushed: for sandboxes that nobody will keep'),
})
export type RootfsStack = z.infer<typeof RootfsStack>

export const ProbeCheck = z
  .object({ id: z.string(), ok: z.boolean(), detail: z.string(), hint: z.string().nullish() })
  .meta({ id: 'ProbeCheck' })
export type ProbeCheck = z.infer<typeof ProbeCheck>
export const NamespaceCapabilities = z.object({
  userns: z.enum(['range', 'single', 'none']),
  cgroup: z.enum(['v1', 'v2', 'none']),
  limits: z.object({
    memory: z.enum(['cgroup', 'none']),
    cpu: z.enum(['cgroup', 'none']),
    pids: z.enum(['cgroup', 'rlimit', 'none']),
    disk: z.enum(['quota', 'none']),
    openFiles: z.enum(['rlimit', 'none']),
  }),
  layer: z.enum(['cow', 'copy']),
  freeze: z.enum(['v1', 'v2', 'none']),
  idmap: z.boolean(),
  netns: z.boolean(),
  egress: z.boolean().default(false).describe('connections of a sandbox can be made to arrive at the relay'),
  overlay: z.boolean(),
  seccomp: z.boolean(),
  landlockAbi: count,
  rootless: z.boolean(),
})
export type NamespaceCapabilities = z.infer<typeof NamespaceCapabilities>
export const ProbeResult = z.object({ checks: z.array(ProbeCheck), capabilities: NamespaceCapabilities })
export type ProbeResult = z.infer<typeof ProbeResult>

export const launcherOperations = {
  probe: { request: empty, result: ProbeResult },
  prepare: {
    request: z.object({
      sandboxId,
      keyHex: z.string().regex(/^[0-9a-f]{64}$/),
      rootfs: RootfsStack,
      limits: LauncherLimits,
    }),
    result: z.object({
      pid: count,
      startTimeTicks: count,
      agentSocket: z.string(),
      users: z.enum(['range', 'single']),
      uidBase: count,
      cgroup: z.enum(['v1', 'v2', 'none']),
      timingsUs: z.record(z.string(), z.number()),
    }),
  },
  limits: { request: z.object({ sandboxId, limits: LauncherLimits }), result: empty },
  network: {
    request: z.object({ sandboxId }),
    result: z.object({ relaySocket: z.string() }),
  },
  freeze: { request: z.object({ sandboxId }), result: empty },
  thaw: { request: z.object({ sandboxId }), result: empty },
  stats: {
    request: z.object({ sandboxId }),
    result: z.object({
      memoryBytes: count.nullish(),
      memoryPeakBytes: count.nullish(),
      cpuUsec: count.nullish(),
      pids: count.nullish(),
      oomKills: count.nullish(),
    }),
  },
  destroy: { request: z.object({ sandboxId }), result: empty },
  list: {
    request: empty,
    result: z.object({
      sandboxes: z.array(
        z.object({ sandboxId, pid: count.nullish(), startTimeTicks: count.nullish(), alive: z.boolean() }),
      ),
    }),
  },
  sweep: { request: z.object({ keep: z.array(sandboxId) }), result: z.object({ removed: z.array(sandboxId) }) },
  maskscan: {
    request: z.object({ path: z.string() }),
    result: z.object({ entries: z.array(z.object({ path: z.string(), type: z.string() })) }),
  },
  shutdown: { request: empty, result: empty },
} as const

export type LauncherOperation = keyof typeof launcherOperations
export type LauncherRequest<Op extends LauncherOperation> = z.input<(typeof launcherOperations)[Op]['request']>
export type LauncherResult<Op extends LauncherOperation> = z.output<(typeof launcherOperations)[Op]['result']>

export const SandboxExitedEvent = z.object({ event: z.literal('sandbox-exited'), sandboxId, status: z.unknown() })
