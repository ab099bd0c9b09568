// SPDX-License-Identifier: Apache-2.0
import type { ProcessEnd, Sandbox } from '@isola/sdk'
import type { ProcessFlags } from '../args/process-options.ts'
import type { CommandContext } from '../command-context.ts'
import { formatJson } from '../output/json.ts'
import { type ExitVerdict, exitVerdict } from './exit-code.ts'
import { type ForegroundOptions, runForeground } from './foreground.ts'
import type { Interrupts } from './interrupts.ts'
import { runCaptured } from './captured.ts'

export interface RunCommandOptions {
  readonly flags: ProcessFlags
  readonly env: Readonly<Record<string, string>> | undefined
  readonly destroySandbox: boolean
}

/** Runs the command of `run` and `exec` and settles the exit code. */
export async function runCommand(
  sandbox: Sandbox,
  argv: readonly string[],
  { flags, env, destroySandbox }: RunCommandOptions,
  context: CommandContext,
  interrupts: Interrupts,
): Promise<void> {
  const { terminal } = context
  const options: ForegroundOptions = {
    argv,
    env,
    cwd: flags.workdir,
    user: flags.user,
    timeoutMs: flags.timeout,
    tty: flags.tty && flags.stdin && flags.json !== true && terminal.stdin.isTTY && terminal.stdout.isTerminal,
    stdin: flags.stdin,
    destroySandbox,
  }
  const limits = { timeoutMs: flags.timeout, memoryMib: sandbox.info.resources.memoryMib }
  if (flags.json === true) {
    const { end, stdout, stderr } = await runCaptured(sandbox, options, terminal, interrupts)
    const { id, name, isolation } = sandbox.info
    context.exitCode = exitVerdict(end, limits).code
    await terminal.stdout.write(formatJson({ sandbox: { id, name, isolation }, ...end, stdout, stderr }))
  } else {
    const end: ProcessEnd = await runForeground(sandbox, options, terminal, interrupts)
    const verdict = exitVerdict(end, limits)
    context.exitCode = verdict.code
    await tell(verdict, context)
  }
}

async function tell({ note }: ExitVerdict, { terminal }: CommandContext): Promise<void> {
  if (note === undefined) return
  // Messages come after all output.
  await terminal.stdout.flush()
  await terminal.stderr.write(`isola: ${note.message}\nhint: ${note.hint}\n`)
}
