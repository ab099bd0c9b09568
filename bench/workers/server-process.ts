// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

const READY_LIMIT_MS = 60_000

export interface ReadyLine {
  readonly event: string
  readonly socket?: string
  readonly url?: string | null
  readonly keyFile?: string | null
  readonly error?: { readonly message: string }
}

/** A Node program that writes one line of JSON when it listens. */
export interface ServerProcess {
  readonly pid: number
  readonly ready: ReadyLine
  stop(): Promise<void>
}

export async function startServer(args: readonly string[]): Promise<ServerProcess> {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const ready = JSON.parse(await firstLine(child)) as ReadyLine
  if (ready.event !== 'ready') {
    child.kill()
    throw new Error(`the server is not ready: ${ready.error?.message ?? ready.event}`)
  }
  return { pid: child.pid as number, ready, stop: () => stop(child) }
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('the server says nothing')), READY_LIMIT_MS)
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).once('line', (line) => {
      clearTimeout(timer)
      resolve(line)
    })
    child.once('exit', (code, signal) => {
      clearTimeout(timer)
      reject(new Error(`the server ended with ${signal ?? code} before it was ready`))
    })
  })
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGTERM')
  await once(child, 'exit')
}
