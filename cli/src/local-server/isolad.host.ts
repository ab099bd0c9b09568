// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:os'
import { createInterface } from 'node:readline'
import { type DoctorReport, findServerProgram, IsolaError } from '@isola/sdk'

export interface ServerReady {
  readonly pid: number
  readonly version: string
  readonly stateDirectory: string
  readonly socket: string
  readonly url: string | null
  readonly keyFile: string | null
}

export interface FixedDoctorReport extends DoctorReport {
  readonly fixes?: readonly { readonly id: string; readonly applied: boolean; readonly detail: string }[]
}

interface Line {
  readonly event: 'ready' | 'already-running' | 'failed'
  readonly socket: string
  /** 0 when it is not known. */
  readonly pid?: number
  readonly error?: { code: string; message: string; hint?: string; context?: Record<string, unknown> }
}

/** Runs the server until it ends and resolves with its exit code. */
export async function serveInForeground(
  listen: string | undefined,
  onReady: (ready: ServerReady) => Promise<void>,
): Promise<number> {
  const child = startIsolad(['serve', ...(listen === undefined ? [] : ['--listen', listen])])
  // Ctrl-C reaches the server by itself, because it is in our process group; it decides when to end.
  const stay = (): void => undefined
  const pass = (signal: NodeJS.Signals): void => void child.kill(signal)
  process.on('SIGINT', stay).on('SIGTERM', pass).on('SIGHUP', pass)
  const ended = exitOf(child)
  const text = await firstLine(child)
  const line = text === undefined ? undefined : (JSON.parse(text) as Line)
  if (line?.event === 'ready') {
    await onReady(line as unknown as ServerReady)
    child.stderr?.pipe(process.stderr)
  }
  const { code, signal } = await ended
  if (line?.event === 'failed' && line.error !== undefined) throw IsolaError.fromWire(line.error)
  if (line?.event === 'already-running') throw alreadyRunning(line)
  if (line === undefined) throw silentEnd('serve', child, signal ?? code)
  return code ?? 128 + constants.signals[signal ?? 'SIGKILL']
}

/** What this machine can isolate, found out by a process of its own; with `fix`, after mending what can be mended. */
export async function doctorInProcess(fix: boolean): Promise<FixedDoctorReport> {
  const child = startIsolad(['doctor', ...(fix ? ['--fix'] : []), '--json'])
  // Its log is nobody's; unread it would fill the pipe and stop it.
  child.stderr?.resume()
  const ended = exitOf(child)
  const text = await firstLine(child)
  const { code, signal } = await ended
  if (text === undefined)
    throw new IsolaError('server.start_failed', `doctor: isolad ended with ${signal ?? code} and said nothing`)
  const report = JSON.parse(text) as FixedDoctorReport | Line
  if ('error' in report && report.error !== undefined) throw IsolaError.fromWire(report.error)
  return report as FixedDoctorReport
}

function startIsolad(args: readonly string[]): ChildProcess {
  const program = findServerProgram()
  if (program === undefined) {
    throw new IsolaError('server.start_failed', 'find the server: the package @isola/server is not installed', {
      hint: 'npm install isola',
    })
  }
  return spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
}

function alreadyRunning({ socket, pid }: Line): IsolaError {
  const known = pid !== undefined && pid !== 0
  return new IsolaError(
    'server.start_failed',
    `serve: another server${known ? ` (pid ${pid})` : ''} runs already, at ${socket}`,
    {
      hint: `use that one, end it${known ? ` with \`kill ${pid}\`` : ''} (sandboxes live on), or set ISOLA_STATE_DIR to serve from another directory`,
    },
  )
}

/** What it logged is all there is to tell; otherwise the reason is in its one line already. */
function silentEnd(command: string, child: ChildProcess, how: string | number | null): IsolaError {
  const log = String((child.stderr?.read() as Buffer | null) ?? '')
    .trimEnd()
    .split('\n')
    .at(-1)
  return new IsolaError('server.start_failed', `${command}: isolad ended with ${how}${log ? `: ${log}` : ''}`, {
    hint: 'run `isola doctor`',
  })
}

async function exitOf(child: ChildProcess): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
  return { code, signal }
}

async function firstLine(child: ChildProcess): Promise<string | undefined> {
  if (child.stdout === null) return undefined
  for await (const line of createInterface({ input: child.stdout })) return line
  return undefined
}
