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
  readonly limitMs?: number
}

export interface RunEnd {
  /** 127 when the program could not be started, null when a signal ended it. */
  readonly exitCode: number | null
  /** stdout and stderr as they came. */
  readonly output: string
  readonly timedOut: boolean
  readonly durationMs: number
}

const KILL_GRACE_MS = 5_000

/** Runs a program without input until it ends; failing to start is an end like any other. */
export function runToEnd(program: string, args: readonly string[], options: RunOptions): Promise<RunEnd> {
  return new Promise((resolve) => {
    const startedMs = performance.now()
    const chunks: Buffer[] = []
    let timedOut = false
    const child = spawn(program, args, {
      cwd: options.cwd ?? root,
      env: { ...process.env, ...withoutColour(options.show === true), ...options.env },
      stdio: options.show ? ['ignore', 'inherit', 'inherit'] : ['ignore', 'pipe', 'pipe'],
    })
    child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.stderr?.on('data', (chunk: Buffer) => chunks.push(chunk))
    const timers = options.limitMs === undefined ? [] : stopAfter(options.limitMs)
    child.on('error', (error) => {
      chunks.push(Buffer.from(error.message))
      end(127)
    })
    child.on('close', (exitCode) => end(exitCode))

    function end(exitCode: number | null): void {
      for (const timer of timers) clearTimeout(timer)
      const durationMs = performance.now() - startedMs
      resolve({ exitCode, output: Buffer.concat(chunks).toString(), timedOut, durationMs })
    }

    function stopAfter(limitMs: number): NodeJS.Timeout[] {
      return [
        setTimeout(() => {
          timedOut = true
          child.kill('SIGTERM')
        }, limitMs),
        setTimeout(() => child.kill('SIGKILL'), limitMs + KILL_GRACE_MS),
      ]
    }
  })
}

/** Collected output is searched and printed later, so it is plain; shown output is coloured on a terminal only. */
function withoutColour(show: boolean): Record<string, string | undefined> {
  if (!show) return { NO_COLOR: '1', FORCE_COLOR: undefined, CARGO_TERM_COLOR: 'never', TERM: 'dumb' }
  return process.stdout.isTTY ? {} : { NO_COLOR: '1', FORCE_COLOR: undefined }
}
