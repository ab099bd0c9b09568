// SPDX-License-Identifier: Apache-2.0
import * as z from 'zod'
import { ProcessExit } from './agent/operations.ts'
import { DEFAULT_KILL_GRACE_MS } from './limits.ts'
import { ProcessId } from './ids.ts'
import { Env } from './sandbox.ts'

const command = {
  argv: z.array(z.string()).min(1).max(4096).optional().describe('program and arguments; or give `shell`'),
  shell: z.string().min(1).max(131072).optional().describe('a line for /bin/sh -c; or give `argv`'),
}
const options = {
  processId: ProcessId.optional(),
  cwd: z.string().min(1).max(4096).optional(),
  env: Env.default({}),
  user: z.string().min(1).max(64).optional().describe('`user` (default), `root`, a name, or `uid:gid`'),
  timeoutMs: z
    .number()
    .int()
    .positive()
    .max(2 ** 31 - 1)
    .optional(),
  killGraceMs: z
    .number()
    .int()
    .min(0)
    .max(60_000)
    .default(DEFAULT_KILL_GRACE_MS)
    .describe('between SIGTERM and SIGKILL'),
  outputLimitBytes: z.number().int().positive().optional(),
}
const eitherCommand = <T extends { argv?: unknown; shell?: unknown }>(value: T): boolean =>
  (value.argv === undefined) !== (value.shell === undefined)
const EITHER = { message: 'give either `argv` or `shell`' }

/** `POST …/run`: runs to the end and answers once. */
export const RunCommand = z
  .strictObject({
    ...command,
    ...options,
    stdin: z.string().optional().describe('text that the process reads, then end of file'),
  })
  .refine(eitherCommand, EITHER)
  .meta({ id: 'RunCommand' })
export type RunCommand = z.input<typeof RunCommand>

/** First frame of a process stream: `request` with this as its payload. */
export const StartProcess = z
  .strictObject({
    ...command,
    ...options,
    tty: z
      .strictObject({ cols: z.number().int().min(1).max(65535), rows: z.number().int().min(1).max(65535) })
      .optional(),
    stdin: z.boolean().default(false).describe('false: the process reads /dev/null'),
    overflow: z.enum(['block', 'drop-oldest']).default('block'),
    destroySandbox: z.boolean().default(false).describe('destroy the sandbox when this stream ends, however it ends'),
  })
  .refine(eitherCommand, EITHER)
  .meta({ id: 'StartProcess' })
export type StartProcess = z.input<typeof StartProcess>

/** Output as text where it is valid UTF-8, else as base64 with the text field empty. */
const output = z.object({
  text: z.string(),
  base64: z
    .string()
    .optional()
    .describe('set when the bytes are not UTF-8, or shorter than the text would be with its escapes'),
})

export const RunResult = ProcessExit.omit({ event: true })
  .extend({ processId: ProcessId, stdout: output, stderr: output })
  .meta({ id: 'RunResult' })
export type RunResult = z.infer<typeof RunResult>

/** One line of the NDJSON form of `POST …/run`. */
export const RunEvent = z
  .discriminatedUnion('event', [
    z.object({ event: z.literal('started'), processId: ProcessId, pid: z.number().int() }),
    output.extend({ event: z.literal('stdout') }),
    output.extend({ event: z.literal('stderr') }),
    ProcessExit,
    z.object({ event: z.literal('error'), error: z.unknown() }),
  ])
  .meta({ id: 'RunEvent' })
export type RunEvent = z.infer<typeof RunEvent>

export const SignalProcess = z.strictObject({
  signal: z.string().regex(/^SIG[A-Z0-9]+$/),
  target: z.enum(['process', 'group']).default('group'),
})
export const ResizeProcess = z.strictObject({
  cols: z.number().int().min(1).max(65535),
  rows: z.number().int().min(1).max(65535),
})
