// SPDX-License-Identifier: Apache-2.0
import * as z from 'zod'
import { ProcessId } from '../ids.ts'

/**
 * The operations of agent generation 1: one row per operation, request and result.
 * The Rust side has the same shapes in `guest/wire`; `protocol/golden/` holds both to it.
 * Results come from inside a sandbox and are parsed with these schemas before they are believed.
 */
export const AGENT_GENERATION = 1

const count = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER)
const path = z.string().min(1).max(4096)
const user = z.string().min(1).max(64).optional()
const empty = z.object({})

export const FileEntry = z
  .object({
    name: z.string(),
    path: z.string(),
    type: z.enum(['file', 'directory', 'symlink', 'other']),
    size: count.describe('bytes'),
    mode: z.number().int().min(0).max(0o7777).describe('permission bits'),
    uid: count,
    gid: count,
    mtimeMs: z.number().describe('milliseconds since 1970'),
    target: z.string().optional().describe('of a symlink, as it is stored'),
  })
  .meta({ id: 'FileEntry' })
export type FileEntry = z.infer<typeof FileEntry>

export const SIGNALS = [
  'SIGHUP',
  'SIGINT',
  'SIGQUIT',
  'SIGABRT',
  'SIGKILL',
  'SIGUSR1',
  'SIGUSR2',
  'SIGALRM',
  'SIGTERM',
  'SIGCONT',
  'SIGSTOP',
  'SIGTSTP',
  'SIGWINCH',
] as const
export const SignalName = z.enum(SIGNALS).meta({ id: 'SignalName' })
export type SignalName = z.infer<typeof SignalName>

const terminalSize = z.object({ cols: z.number().int().min(1).max(65535), rows: z.number().int().min(1).max(65535) })

export const ProcessSpec = z.object({
  processId: ProcessId,
  argv: z.array(z.string()).min(1).max(65536),
  cwd: path.nullish(),
  env: z.record(z.string(), z.string()).default({}),
  user,
  tty: terminalSize.nullable(),
  stdin: z.boolean().describe('false: /dev/null'),
  timeoutMs: z.number().int().positive().nullable(),
  killGraceMs: count,
  outputLimitBytes: z.number().int().positive().nullable(),
  overflow: z.enum(['block', 'drop-oldest']),
})
export type ProcessSpec = z.infer<typeof ProcessSpec>

/** Last event of a process's stream; every way to end has its own field. */
export const ProcessExit = z.object({
  event: z.literal('exited'),
  exitCode: z.number().int().min(0).max(255).nullable(),
  signal: z.string().max(32).nullable(),
  timedOut: z.boolean(),
  oomKilled: z.boolean(),
  outputCapped: z.boolean(),
  durationMs: z.number().nonnegative(),
  stdoutBytes: count,
  stderrBytes: count,
  droppedBytes: count,
})
export type ProcessExit = z.infer<typeof ProcessExit>

export const Personality = z.object({
  hostname: z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/),
  machineIdHex: z.string().regex(/^[0-9a-f]{32}$/),
  env: z.record(z.string(), z.string()),
  workdir: path,
  user: z.string(),
  sudo: z.boolean(),
  users: z.enum(['range', 'single']),
  seedHex: z.string().regex(/^[0-9a-f]{64}$/),
  clockMs: z.number().nullish(),
  rlimits: z.object({ openFiles: count.optional(), processes: count.optional() }),
})
export type Personality = z.infer<typeof Personality>

export const ProcessInfo = z
  .object({ processId: ProcessId, pid: count, argv: z.array(z.string()), user: z.string(), startedAtMs: z.number() })
  .meta({ id: 'ProcessInfo' })
export type ProcessInfo = z.infer<typeof ProcessInfo>

export const agentOperations = {
  'agent.info': {
    request: empty,
    result: z.object({ version: z.string().max(64), generation: count, personalised: z.boolean(), processes: count }),
  },
  personalise: { request: Personality, result: empty },
  'process.start': { request: ProcessSpec, result: z.object({ pid: count }) },
  'process.signal': {
    request: z.object({ processId: ProcessId, signal: SignalName, target: z.enum(['process', 'group']) }),
    result: empty,
  },
  'process.resize': { request: terminalSize.extend({ processId: ProcessId }), result: empty },
  'process.list': { request: empty, result: z.object({ processes: z.array(ProcessInfo) }) },
  'file.read': {
    request: z.object({ path, user, offset: count.optional(), length: count.optional() }),
    result: z.object({ size: count, mode: count, mtimeMs: z.number() }),
  },
  'file.write': {
    request: z.object({
      path,
      user,
      mode: count.optional(),
      parents: z.boolean().optional(),
      append: z.boolean().optional(),
    }),
    result: z.object({ size: count }),
  },
  'file.list': {
    request: z.object({ path, user, depth: z.number().int().min(1).max(64), limit: z.number().int().min(1) }),
    result: empty,
  },
  'file.stat': {
    request: z.object({ path, user, follow: z.boolean().optional() }),
    result: z.object({ entry: FileEntry }),
  },
  'file.mkdir': {
    request: z.object({ path, user, parents: z.boolean().optional(), mode: count.optional() }),
    result: empty,
  },
  'file.remove': { request: z.object({ path, user, recursive: z.boolean().optional() }), result: empty },
  'file.move': { request: z.object({ from: path, to: path, user, overwrite: z.boolean().optional() }), result: empty },
} as const

export type AgentOperation = keyof typeof agentOperations
export type AgentRequest<Op extends AgentOperation> = z.input<(typeof agentOperations)[Op]['request']>
export type AgentResult<Op extends AgentOperation> = z.output<(typeof agentOperations)[Op]['result']>

/** The failure form of every response. */
export const WireFailure = z.object({
  code: z.string().max(64),
  message: z.string().max(4096),
  context: z.record(z.string(), z.unknown()).optional(),
})
export type WireFailure = z.infer<typeof WireFailure>
