// SPDX-License-Identifier: Apache-2.0
import * as z from 'zod'
import { FileEntry, ProcessInfo } from '../agent/operations.ts'
import type { ErrorCode } from '../errors/registry.ts'
import { NamespaceCapabilities, ProbeCheck } from '../launcher/operations.ts'
import { ResizeProcess, RunCommand, RunResult, SignalProcess } from '../process.ts'
import { NetworkExplanation, SetNetwork } from '../network.ts'
import { CreateSandbox, ListSandboxes, Sandbox, SandboxPage } from '../sandbox.ts'

/** Raw bytes as a body, streamed in whatever size. */
export const BYTES = 'application/octet-stream'
export const NDJSON = 'application/x-ndjson'

export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** OpenAPI form, `{name}` for parameters. */
  readonly path: string
  readonly summary: string
  readonly description?: string
  readonly params?: z.ZodObject
  readonly query?: z.ZodObject
  readonly headers?: z.ZodObject
  readonly body?: z.ZodType | typeof BYTES
  readonly status: 101 | 200 | 201 | 204
  readonly result?: z.ZodType | typeof BYTES | typeof NDJSON
  /** A second form that the client may ask for with `Accept`. */
  readonly stream?: typeof NDJSON
  /** Answered without a key. */
  readonly open?: true
  readonly errors: readonly ErrorCode[]
}

const ref = z.object({ sandbox: z.string().min(1).max(64).describe('id or name') })
const processRef = ref.extend({ process: z.string().min(1).max(64) })
const user = z.string().min(1).max(64).optional().describe('acts as this user of the sandbox; default `user`')
const flag = z.enum(['true', 'false']).optional()
const path = z.string().min(1).max(4096).describe('inside the sandbox; relative ones start at the working directory')

const SANDBOX_ERRORS = ['sandbox.not_found', 'sandbox.not_running', 'sandbox.agent_unreachable'] as const
const FILE_ERRORS = [
  ...SANDBOX_ERRORS,
  'file.not_found',
  'file.permission_denied',
  'file.not_directory',
  'file.io',
  'process.user_unknown',
  'process.root_unavailable',
] as const
const START_ERRORS = [
  ...SANDBOX_ERRORS,
  'process.program_not_found',
  'process.not_executable',
  'process.cwd_not_found',
  'process.user_unknown',
  'process.root_unavailable',
  'process.limit_reached',
  'process.id_taken',
  'agent.spawner_lost',
] as const

export const Health = z.object({ status: z.literal('ok') }).meta({ id: 'Health' })
export const ServerInfo = z
  .object({
    version: z.string(),
    apiVersion: z.literal('v1'),
    agentGeneration: z.number().int(),
    pid: z.number().int(),
  })
  .meta({ id: 'ServerInfo' })
export type ServerInfo = z.infer<typeof ServerInfo>
export const DriverReport = z
  .object({
    driver: z.string(),
    available: z.boolean(),
    isolation: z.string(),
    checks: z.array(ProbeCheck),
    capabilities: NamespaceCapabilities.nullable(),
  })
  .meta({ id: 'DriverReport' })
export type DriverReport = z.infer<typeof DriverReport>
export const DoctorReport = z
  .object({ drivers: z.array(DriverReport), stateDirectory: z.string() })
  .meta({ id: 'DoctorReport' })
export type DoctorReport = z.infer<typeof DoctorReport>

export const routes = {
  getHealth: {
    method: 'GET',
    path: '/v1/health',
    summary: 'Is the server there?',
    status: 200,
    result: Health,
    open: true,
    errors: [],
  },
  getServer: {
    method: 'GET',
    path: '/v1/server',
    summary: 'Version of the server',
    status: 200,
    result: ServerInfo,
    errors: [],
  },
  getOpenapi: {
    method: 'GET',
    path: '/v1/openapi.json',
    summary: 'This document',
    status: 200,
    result: z.looseObject({}),
    open: true,
    errors: [],
  },
  getDoctor: {
    method: 'GET',
    path: '/v1/doctor',
    summary: 'What each driver can do on this host, and why',
    status: 200,
    result: DoctorReport,
    errors: [],
  },

  createSandbox: {
    method: 'POST',
    path: '/v1/sandboxes',
    summary: 'Create a sandbox and wait until it runs',
    headers: z.object({ 'idempotency-key': z.string().min(1).max(128).optional() }),
    body: CreateSandbox,
    status: 201,
    result: Sandbox,
    errors: [
      'request.invalid',
      'sandbox.name_taken',
      'template.not_found',
      'driver.not_found',
      'driver.unavailable',
      'limit.unenforceable',
      'limit.exhausted',
      'sandbox.create_failed',
      'host.no_space',
      'request.idempotency_mismatch',
    ],
  },
  listSandboxes: {
    method: 'GET',
    path: '/v1/sandboxes',
    summary: 'List sandboxes, oldest first; failed ones too, until they are removed',
    query: ListSandboxes,
    status: 200,
    result: SandboxPage,
    errors: ['request.invalid'],
  },
  getSandbox: {
    method: 'GET',
    path: '/v1/sandboxes/{sandbox}',
    summary: 'Inspect a sandbox',
    params: ref,
    status: 200,
    result: Sandbox,
    errors: ['sandbox.not_found'],
  },
  setNetwork: {
    method: 'PUT',
    path: '/v1/sandboxes/{sandbox}/network',
    summary: 'Change what may leave a running sandbox',
    description: 'Holds when the answer comes. Open connections that the new policy does not allow are reset.',
    params: ref,
    body: SetNetwork,
    status: 200,
    result: Sandbox,
    errors: [...SANDBOX_ERRORS, 'driver.unsupported', 'host.launcher_failed'],
  },
  explainNetwork: {
    method: 'GET',
    path: '/v1/sandboxes/{sandbox}/network/explain',
    summary: 'Which rule decides about a URL, and why',
    params: ref,
    query: z.object({ url: z.string().min(1).max(4096).describe('http, https, tcp://host:port, or host:port') }),
    status: 200,
    result: NetworkExplanation,
    errors: [...SANDBOX_ERRORS],
  },
  readNetworkLog: {
    method: 'GET',
    path: '/v1/sandboxes/{sandbox}/network/log',
    summary: 'What was let through and what was not',
    description: 'One `NetworkLogEntry` a line. The last 1000 of each sandbox are kept while the server lives.',
    params: ref,
    query: z.object({
      after: z.coerce.number().int().min(0).default(0).describe('only entries with a higher `sequence`'),
      follow: flag.describe('goes on until the sandbox is gone or the client leaves'),
    }),
    status: 200,
    result: NDJSON,
    errors: ['sandbox.not_found'],
  },
  destroySandbox: {
    method: 'DELETE',
    path: '/v1/sandboxes/{sandbox}',
    summary: 'Destroy a sandbox and all it holds',
    params: ref,
    status: 204,
    errors: ['sandbox.not_found', 'sandbox.state_conflict', 'request.timed_out'],
  },

  runCommand: {
    method: 'POST',
    path: '/v1/sandboxes/{sandbox}/run',
    summary: 'Run a command to its end',
    description: 'Answers once with the whole output, or with `Accept: application/x-ndjson` as events while it runs.',
    params: ref,
    body: RunCommand,
    status: 200,
    result: RunResult,
    stream: NDJSON,
    errors: [...START_ERRORS, 'request.invalid'],
  },
  streamProcess: {
    method: 'GET',
    path: '/v1/sandboxes/{sandbox}/stream',
    summary: 'Start a process and stream it both ways',
    description:
      'Needs `Connection: Upgrade` and `Upgrade: isola-frames/1`; see docs/reference/frames.md. Why a process cannot be started is told by the first frame, after the 101.',
    params: ref,
    status: 101,
    errors: ['sandbox.not_found', 'request.invalid'],
  },
  listProcesses: {
    method: 'GET',
    path: '/v1/sandboxes/{sandbox}/processes',
    summary: 'Processes that were started through Isola and live',
    params: ref,
    status: 200,
    result: z.object({ processes: z.array(ProcessInfo) }),
    errors: [...SANDBOX_ERRORS, 'request.timed_out'],
  },
  signalProcess: {
    method: 'POST',
    path: '/v1/sandboxes/{sandbox}/processes/{process}/signal',
    summary: 'Send a signal',
    params: processRef,
    body: SignalProcess,
    status: 204,
    errors: [...SANDBOX_ERRORS, 'process.not_found', 'request.invalid'],
  },
  resizeProcess: {
    method: 'POST',
    path: '/v1/sandboxes/{sandbox}/processes/{process}/resize',
    summary: 'Resize its terminal',
    params: processRef,
    body: ResizeProcess,
    status: 204,
    errors: [...SANDBOX_ERRORS, 'process.not_found', 'process.no_tty', 'request.invalid'],
  },

  readFile: {
    method: 'GET',
    path: '/v1/sandboxes/{sandbox}/files',
    summary: 'Read a file',
    params: ref,
    query: z.object({
      path,
      user,
      offset: z.coerce.number().int().min(0).optional(),
      length: z.coerce.number().int().min(0).optional(),
    }),
    status: 200,
    result: BYTES,
    errors: [...FILE_ERRORS, 'file.is_directory', 'file.not_regular'],
  },
  writeFile: {
    method: 'PUT',
    path: '/v1/sandboxes/{sandbox}/files',
    summary: 'Write a file; it appears whole or not at all',
    description:
      'With `append`, and where a file is written in place because its directory takes no new one, a write that breaks off leaves a part.',
    params: ref,
    query: z.object({
      path,
      user,
      mode: z
        .string()
        .regex(/^[0-7]{3,4}$/)
        .optional()
        .describe('octal'),
      parents: flag,
      append: flag,
    }),
    body: BYTES,
    status: 200,
    result: z.object({ size: z.number().int() }),
    errors: [...FILE_ERRORS, 'file.is_directory', 'file.not_regular', 'file.no_space'],
  },
  removeFile: {
    method: 'DELETE',
    path: '/v1/sandboxes/{sandbox}/files',
    summary: 'Remove a file or directory',
    params: ref,
    query: z.object({ path, user, recursive: flag }),
    status: 204,
    errors: [...FILE_ERRORS, 'file.not_empty'],
  },
  statFile: {
    method: 'GET',
    path: '/v1/sandboxes/{sandbox}/files/stat',
    summary: 'Look at one file',
    params: ref,
    query: z.object({ path, user, follow: flag }),
    status: 200,
    result: FileEntry,
    errors: [...FILE_ERRORS, 'request.timed_out'],
  },
  listFiles: {
    method: 'GET',
    path: '/v1/sandboxes/{sandbox}/files/list',
    summary: 'List a directory',
    params: ref,
    description: 'One entry a line (NDJSON). A last line `{"truncated":true}` tells that the limit was reached.',
    query: z.object({
      path,
      user,
      depth: z.coerce.number().int().min(1).max(64).default(1),
      limit: z.coerce.number().int().min(1).max(10_000_000).default(100_000),
    }),
    status: 200,
    result: NDJSON,
    errors: FILE_ERRORS,
  },
  makeDirectory: {
    method: 'POST',
    path: '/v1/sandboxes/{sandbox}/files/mkdir',
    summary: 'Make a directory',
    params: ref,
    body: z.strictObject({
      path,
      user,
      parents: z.boolean().optional(),
      mode: z
        .string()
        .regex(/^[0-7]{3,4}$/)
        .optional(),
    }),
    status: 204,
    errors: [...FILE_ERRORS, 'file.exists', 'file.no_space'],
  },
  moveFile: {
    method: 'POST',
    path: '/v1/sandboxes/{sandbox}/files/move',
    summary: 'Move or rename',
    params: ref,
    body: z.strictObject({ from: path, to: path, user, overwrite: z.boolean().optional() }),
    status: 204,
    errors: [...FILE_ERRORS, 'file.exists', 'file.no_space'],
  },
} as const satisfies Record<string, Route>

export type RouteName = keyof typeof routes
