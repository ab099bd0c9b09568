// SPDX-License-Identifier: Apache-2.0
import * as z from 'zod'
import { RunId, SandboxId } from './ids.ts'
import { Network, NetworkInForce } from './network.ts'

export const SANDBOX_STATES = ['creating', 'running', 'stopping', 'failed', 'destroyed'] as const
export const SandboxState = z.enum(SANDBOX_STATES).meta({ id: 'SandboxState' })
export type SandboxState = z.infer<typeof SandboxState>

export const SandboxName = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'lower-case letters, digits and inner dashes, at most 63')
  .meta({ id: 'SandboxName' })

export const EnvName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'letters, digits and _, not starting with a digit')
export const Env = z
  .record(
    EnvName,
    z.string().refine((value) => !value.includes('\0'), 'no NUL'),
  )
  .meta({ id: 'Env', description: 'environment variables' })

/** Limits of a sandbox. A limit that the host cannot enforce is refused, never ignored. */
export const Resources = z
  .strictObject({
    cpus: z.number().positive().max(1024).optional().describe('cores; 0.5 is half of one'),
    memoryMib: z
      .number()
      .int()
      .min(8)
      .max(16 * 1024 * 1024)
      .optional(),
    diskMib: z
      .number()
      .int()
      .min(1)
      .max(64 * 1024 * 1024)
      .optional()
      .describe('all that the sandbox writes'),
    pids: z.number().int().min(4).max(4_000_000).optional().describe('processes and threads'),
    openFiles: z.number().int().min(16).max(1_048_576).optional().describe('per process'),
  })
  .meta({ id: 'Resources' })
export type Resources = z.infer<typeof Resources>

const MAX_LABELS = 64

export const CreateSandbox = z
  .strictObject({
    name: SandboxName.optional().describe('unique among living sandboxes'),
    template: z.string().min(1).max(256).default('host'),
    driver: z.string().min(1).max(64).optional().describe('default: the best that this host offers'),
    labels: z
      .record(z.string().min(1).max(63), z.string().max(255))
      .refine((labels) => Object.keys(labels).length <= MAX_LABELS, `at most ${MAX_LABELS}`)
      .default({})
      .describe(`at most ${MAX_LABELS}`),
    env: Env.default({}),
    workdir: z.string().startsWith('/').max(4096).optional().describe('default /home/user'),
    resources: Resources.default({}),
    network: Network.default('none').describe('what may leave; `none`: nothing'),
    ephemeral: z
      .boolean()
      .default(false)
      .describe('destroyed 30 s after the last request that uses it, or at once with a process stream that says so'),
  })
  .meta({ id: 'CreateSandbox' })
export type CreateSandbox = z.input<typeof CreateSandbox>
export type CreateSandboxParsed = z.output<typeof CreateSandbox>

export const Transition = z
  .object({ at: z.iso.datetime(), from: SandboxState.nullable(), to: SandboxState, reason: z.string() })
  .meta({ id: 'Transition' })
export type Transition = z.infer<typeof Transition>

export const Sandbox = z
  .object({
    id: SandboxId,
    name: z.string().nullable(),
    state: SandboxState,
    desiredState: z.enum(['running', 'destroyed']),
    template: z.string(),
    driver: z.string(),
    isolation: z.string().describe('the class that was really given, e.g. `namespace (root, cgroup v1, users range)`'),
    labels: z.record(z.string(), z.string()),
    resources: Resources.describe('what is enforced'),
    workdir: z.string(),
    ephemeral: z.boolean(),
    network: NetworkInForce.describe('what may leave'),
    run: z
      .object({
        id: RunId,
        startedAt: z.iso.datetime(),
        agentGeneration: z.number().int(),
        users: z.enum(['range', 'single']),
      })
      .nullable(),
    createdAt: z.iso.datetime(),
    transitions: z.array(Transition),
  })
  .meta({ id: 'Sandbox' })
export type Sandbox = z.infer<typeof Sandbox>

export const ListSandboxes = z.object({
  state: SandboxState.optional(),
  name: z.string().optional(),
  label: z
    .union([z.string(), z.array(z.string())])
    .optional()
    .describe('`key=value`; several must all match'),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  cursor: z.string().max(256).optional(),
})
export const SandboxPage = z
  .object({ items: z.array(Sandbox), nextCursor: z.string().nullable() })
  .meta({ id: 'SandboxPage' })
export type SandboxPage = z.infer<typeof SandboxPage>
