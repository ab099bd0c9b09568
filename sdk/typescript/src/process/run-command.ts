// SPDX-License-Identifier: Apache-2.0
import type { RunResult } from '@isola/protocol'
import { DEFAULT_BUFFERED_OUTPUT_LIMIT_BYTES, MAX_JSON_BODY_BYTES } from '@isola/protocol/wire'
import type { Client } from '../connection/client.ts'
import { type Command, commandFields } from './command.ts'
import { CommandError, CommandResult } from './command-result.ts'
import { feedInput, type InputContent } from './feed-input.ts'
import { type Process, processEnd } from './process.ts'
import { defined, type ProcessOptions, type Processes } from './processes.ts'

export interface RunOptions extends ProcessOptions {
  /** What the command reads, then end of file; default: nothing. */
  readonly stdin?: InputContent | undefined
  /** Throw a `CommandError` unless it ends with 0. */
  readonly check?: boolean | undefined
  /** Called with text as it comes; a promise holds the command back until it resolves. */
  readonly onStdout?: ((text: string) => unknown) | undefined
  readonly onStderr?: ((text: string) => unknown) | undefined
}

/** Runs a command to its end. */
export async function runCommand(
  client: Client,
  sandbox: string,
  processes: Processes,
  command: Command,
  options: RunOptions,
): Promise<CommandResult> {
  const result = needsStream(options)
    ? await runStreamed(processes, command, options)
    : await runBuffered(client, sandbox, command, options)
  if (options.check === true && !result.ok) throw new CommandError(describe(command), result)
  return result
}

/** One request suffices unless bytes have to move while the command runs. */
function needsStream({ stdin, onStdout, onStderr }: RunOptions): boolean {
  if (onStdout !== undefined || onStderr !== undefined) return true
  if (stdin === undefined) return false
  // JSON escapes can make one character into six.
  return typeof stdin !== 'string' || stdin.length * 6 > MAX_JSON_BODY_BYTES / 2
}

async function runBuffered(
  client: Client,
  sandbox: string,
  command: Command,
  options: RunOptions,
): Promise<CommandResult> {
  const { signal, check: _check, onStdout: _onStdout, onStderr: _onStderr, ...fields } = options
  const result = await client.requestJson<RunResult>({
    method: 'POST',
    path: `/v1/sandboxes/${encodeURIComponent(sandbox)}/run`,
    json: { ...commandFields(command), ...defined(fields) },
    signal,
  })
  return new CommandResult(processEnd(result), outputBytes(result.stdout), outputBytes(result.stderr))
}

function outputBytes(output: RunResult['stdout']): Uint8Array {
  return output.base64 === undefined ? Buffer.from(output.text) : Buffer.from(output.base64, 'base64')
}

async function runStreamed(processes: Processes, command: Command, options: RunOptions): Promise<CommandResult> {
  const { stdin, check: _check, onStdout, onStderr, ...fields } = options
  await using process = await processes.start(command, {
    ...fields,
    stdin: stdin !== undefined,
    outputLimitBytes: options.outputLimitBytes ?? DEFAULT_BUFFERED_OUTPUT_LIMIT_BYTES,
  })
  const feeding = stdin === undefined ? undefined : feedInput(process, stdin)
  const output = await Promise.race([collect(process, onStdout, onStderr), ...(feeding === undefined ? [] : [feeding])])
  return new CommandResult(processEnd(await process.wait()), output.stdout, output.stderr)
}

async function collect(
  process: Process,
  onStdout: RunOptions['onStdout'],
  onStderr: RunOptions['onStderr'],
): Promise<{ stdout: Uint8Array; stderr: Uint8Array }> {
  const kept = { stdout: [] as Uint8Array[], stderr: [] as Uint8Array[] }
  const listeners = { stdout: textListener(onStdout), stderr: textListener(onStderr) }
  for await (const { stream, bytes } of process.output()) {
    kept[stream].push(bytes)
    await listeners[stream]?.(bytes)
  }
  await listeners.stdout?.(undefined)
  await listeners.stderr?.(undefined)
  return { stdout: Buffer.concat(kept.stdout), stderr: Buffer.concat(kept.stderr) }
}

/** A character that is cut by a chunk's end reaches the listener whole. */
function textListener(
  listener: ((text: string) => unknown) | undefined,
): ((bytes: Uint8Array | undefined) => unknown) | undefined {
  if (listener === undefined) return undefined
  const decoder = new TextDecoder()
  return (bytes) => {
    const text = bytes === undefined ? decoder.decode() : decoder.decode(bytes, { stream: true })
    return text === '' ? undefined : listener(text)
  }
}

function describe(command: Command): string {
  return typeof command === 'string' ? JSON.stringify(command) : command.join(' ')
}
