// SPDX-License-Identifier: Apache-2.0
import type { Process, ProcessEnd, Sandbox } from '@isola/sdk'
import type { Terminal } from '../output/terminal.ts'
import { feedStdin } from './feed-stdin.ts'
import type { Interrupts } from './interrupts.ts'
import { enterRawMode } from './raw-mode.ts'

export interface ForegroundOptions {
  readonly argv: readonly string[]
  readonly cwd?: string | undefined
  readonly env?: Readonly<Record<string, string>> | undefined
  readonly user?: string | undefined
  readonly timeoutMs?: number | undefined
  readonly tty: boolean
  readonly stdin: boolean
  readonly destroySandbox: boolean
}

/** Runs a command as if it ran here: its output, its input, its signals, its terminal are ours. */
export async function runForeground(
  sandbox: Sandbox,
  options: ForegroundOptions,
  terminal: Terminal,
  interrupts: Interrupts,
): Promise<ProcessEnd> {
  const { argv, tty, ...rest } = options
  await using inside = await sandbox.processes.start(argv, {
    ...rest,
    ...(tty ? terminalOf(terminal, options.env) : {}),
    signal: interrupts.signal,
  })
  interrupts.forwardTo(inside)
  terminal.stdout.onBroken((error) => interrupts.abort(error))
  if (tty) return await followTerminal(inside, options, terminal)
  return await follow(inside, options, terminal)
}

function terminalOf(
  { stdout }: Terminal,
  env: ForegroundOptions['env'],
): { tty: { cols: number; rows: number }; env: Record<string, string> } {
  const term = process.env['TERM']
  return { tty: { cols: stdout.columns, rows: stdout.rows }, env: { ...(term ? { TERM: term } : {}), ...env } }
}

async function followTerminal(inside: Process, options: ForegroundOptions, terminal: Terminal): Promise<ProcessEnd> {
  const { stdout, stdin } = terminal
  const stopResizing = stdout.onResize(() => {
    inside.resize({ cols: stdout.columns, rows: stdout.rows }).catch(() => undefined)
  })
  try {
    using _raw = enterRawMode(stdin)
    return await follow(inside, options, terminal)
  } finally {
    stopResizing()
  }
}

async function follow(inside: Process, options: ForegroundOptions, terminal: Terminal): Promise<ProcessEnd> {
  const feeding = options.stdin ? feedStdin(inside, terminal.stdin) : new Promise<never>(() => undefined)
  try {
    await Promise.race([copyOutput(inside, terminal), feeding])
    return await inside.wait()
  } finally {
    // A read that is under way would keep this program alive.
    terminal.stdin.destroy()
  }
}

async function copyOutput(inside: Process, { stdout, stderr }: Terminal): Promise<void> {
  for await (const { stream, bytes } of inside.output()) {
    if (stream === 'stdout') await stdout.write(bytes)
    // Losing the messages is no reason to lose the work.
    else await stderr.write(bytes).catch(() => undefined)
  }
}
