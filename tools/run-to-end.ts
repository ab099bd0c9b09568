// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** Absolute path of the checkout. */
export const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '')

export interface RunOptions {
  /** Where to run; the checkout unless said. */
  readonly cwd?: string
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>
  /** Prints the output as it comes; it is then not collected. */
  readonly show?: boolean
  /** Asks it to end, and kills its group when it has not after a minute. */
  readonly stop?: AbortSignal
  /** What asks it; SIGTERM for its whole group unless said. */
  readonly stopBy?: NodeJS.Signals
}

export interface RunEnd {
  /** 127 when the program could not be started, null when a signal ended it. */
  readonly exitCode: number | null
  /** stdout and stderr as they came. */
  readonly output: string
  readonly durationMs: number
}

const KILL_GRACE_MS = 60_000

/** Runs a program without input until it ends; failing to start is an end like any other. */
export function runToEnd(program: string, args: readonly string[], options: RunOptions): Promise<RunEnd> {
  return new Promise((resolve) => {
    const startedMs = performance.now()
    const chunks: Buffer[] = []
    const child = spawn(program, args, {
      cwd: options.cwd ?? root,
      env: { ...process.env, ...withoutColour(options.show === true), ...options.env },
      // Its own group: a Ctrl-C at the terminal reaches it as a request to end, not as its death.
      detached: options.stop !== undefined,
      stdio: options.show ? ['ignore', 'inherit', 'inherit'] : ['ignore', 'pipe', 'pipe'],
    })
    child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.stderr?.on('data', (chunk: Buffer) => chunks.push(chunk))
    let killer: NodeJS.Timeout | undefined
    options.stop?.addEventListener('abort', stop, { once: true })
    child.on('error', (error) => {
      chunks.push(Buffer.from(error.message))
      end(127)
    })
    child.on('close', (exitCode) => end(exitCode))

    function end(exitCode: number | null): void {
      clearTimeout(killer)
      options.stop?.removeEventListener('abort', stop)
      const durationMs = performance.now() - startedMs
      resolve({ exitCode, output: Buffer.concat(chunks).toString(), durationMs })
    }

    function stop(): void {
      if (options.stopBy) child.kill(options.stopBy)
      else signalGroup('SIGTERM')
      killer = setTimeout(signalGroup, KILL_GRACE_MS, 'SIGKILL')
    }

    function signalGroup(signal: NodeJS.Signals): void {
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, signal)
    }
  })
}

/** Collected output is searched and printed later, so it is plain; shown output is coloured on a terminal only. */
function withoutColour(show: boolean): Record<string, string | undefined> {
  if (!show) return { NO_COLOR: '1', FORCE_COLOR: undefined, CARGO_TERM_COLOR: 'never', TERM: 'dumb' }
  return process.stdout.isTTY ? {} : { NO_COLOR: '1', FORCE_COLOR: undefined }
}
