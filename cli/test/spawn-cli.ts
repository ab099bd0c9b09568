// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url))

export interface CliResult {
  readonly code: number | null
  readonly stdout: Buffer
  readonly stderr: string
}

export interface CliOptions {
  /** Of the server that it talks to. */
  readonly url?: string
  readonly stdin?: string | Uint8Array
  readonly env?: Record<string, string>
}

/** The command line as a process of its own, without a terminal. */
export function spawnCli(args: readonly string[], { url, env }: CliOptions = {}): ChildProcess {
  const { ISOLA_URL: _, ...inherited } = process.env
  return spawn(process.execPath, ['--conditions=@isola/source', MAIN, ...args], {
    env: {
      ...inherited,
      XDG_CACHE_HOME: join(tmpdir(), 'isola-cli-test-cache'),
      ...(url === undefined ? {} : { ISOLA_URL: url }),
      ...env,
    },
    stdio: 'pipe',
  })
}

/** Runs it to its end. */
export async function runCliProcess(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const child = spawnCli(args, options)
  child.stdin?.on('error', () => undefined)
  child.stdin?.end(options.stdin ?? '')
  return resultOf(child)
}

export async function resultOf(child: ChildProcess): Promise<CliResult> {
  const chunks = { stdout: [] as Buffer[], stderr: [] as Buffer[] }
  child.stdout?.on('data', (chunk: Buffer) => chunks.stdout.push(chunk))
  child.stderr?.on('data', (chunk: Buffer) => chunks.stderr.push(chunk))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout: Buffer.concat(chunks.stdout), stderr: String(Buffer.concat(chunks.stderr)) }
}
