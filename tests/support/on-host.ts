// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process'

export interface HostResult {
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
  readonly stdoutBytes: Buffer
}

export interface HostOptions {
  readonly cwd?: string
  /** The whole environment, not additions to it. */
  readonly env?: NodeJS.ProcessEnv
  readonly input?: string | Uint8Array
  /** Called once the program runs, e.g. to signal it. */
  readonly onStart?: (pid: number) => void
  /** Called with everything that came out so far, whenever something comes. */
  readonly onOutput?: (soFar: string) => void
}

/** Runs a program on the host to its end. A program that cannot be started is an error. */
export function onHost(argv: readonly string[], options: HostOptions = {}): Promise<HostResult> {
  const [program, ...rest] = argv as [string, ...string[]]
  return new Promise((resolve, reject) => {
    const child = spawn(program, rest, { cwd: options.cwd, env: options.env ?? process.env, stdio: 'pipe' })
    const stdout: Buffer[] = []
    const stderr: Buffer[] = []
    const collect = (into: Buffer[]) => (chunk: Buffer) => {
      into.push(chunk)
      options.onOutput?.(Buffer.concat([...stdout, ...stderr]).toString())
    }
    if (options.onOutput === undefined) {
      child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
      child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))
    } else {
      child.stdout.on('data', collect(stdout))
      child.stderr.on('data', collect(stderr))
    }
    child.on('error', reject)
    child.on('spawn', () => options.onStart?.(child.pid as number))
    child.on('close', (exitCode, signal) => {
      const bytes = Buffer.concat(stdout)
      resolve({
        exitCode,
        signal,
        stdout: bytes.toString(),
        stderr: Buffer.concat(stderr).toString(),
        stdoutBytes: bytes,
      })
    })
    // A program that does not read its input is not a failure of the test.
    child.stdin.on('error', () => undefined)
    child.stdin.end(options.input)
  })
}

/** Like `onHost`, but a failure is an error that carries what the program said. */
export async function onHostChecked(argv: readonly string[], options: HostOptions = {}): Promise<string> {
  const result = await onHost(argv, options)
  if (result.exitCode !== 0) {
    throw new Error(`${argv.join(' ')}: ${result.signal ?? `exit ${result.exitCode}`}: ${result.stderr.trim()}`)
  }
  return result.stdout
}
