// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, constants, openSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { IsolaError } from '@isola/protocol/wire'
import { refuseForeignDirectory } from './foreign-directory.ts'
import { makePrivateDirectory } from './make-private-directory.ts'
import { lastLogLine } from './server-log.ts'
import { findServerProgram } from './server-program.ts'
import { socketAnswers } from './socket-answers.ts'

export interface StartServerOptions {
  readonly stateDirectory: string
  /** Path of `isolad.js`; default: the one that is installed. */
  readonly program?: string | undefined
}

const START_DEADLINE_MS = 30_000
const LOG_LIMIT_BYTES = 4 * 1024 * 1024

/**
 * Starts the server of a state directory in the background and resolves once it answers. When
 * several clients start one at the same time, one server wins and all of them get it.
 * @throws {IsolaError} server.start_failed, or whatever the server says stopped it
 */
export async function startServer(options: StartServerOptions): Promise<void> {
  const program = options.program ?? findServerProgram()
  if (program === undefined) {
    throw new IsolaError('server.start_failed', 'start the local server: the package @isola/server is not installed', {
      hint: 'npm install isola, or set ISOLA_URL to a server that runs',
    })
  }
  const logFile = join(options.stateDirectory, 'isolad.log')
  const child = spawnServer(program, options.stateDirectory, logFile)
  try {
    const verdict = await firstLine(child, logFile)
    if (verdict.event === 'failed') throw startFailure(verdict)
    if (verdict.event !== 'ready') await socketAnswers(join(options.stateDirectory, 'isolad.sock'), START_DEADLINE_MS)
  } finally {
    child.stdout?.destroy()
    child.unref()
  }
}

function spawnServer(program: string, stateDirectory: string, logFile: string): ChildProcess {
  let log: number
  try {
    makePrivateDirectory(stateDirectory)
    refuseForeignDirectory(stateDirectory)
    log = openLog(logFile)
  } catch (error) {
    if (IsolaError.is(error)) throw error
    const { code, message } = error as NodeJS.ErrnoException
    throw new IsolaError(
      code === 'ENOSPC' || code === 'EDQUOT' ? 'host.no_space' : 'server.start_failed',
      `open the state directory ${stateDirectory}: ${message}`,
      { hint: 'make it writable, or set ISOLA_STATE_DIR to a directory of your own', cause: error },
    )
  }
  try {
    return spawn(process.execPath, [program, 'serve', '--auto'], {
      cwd: '/',
      detached: true,
      env: { ...process.env, ISOLA_STATE_DIR: stateDirectory },
      stdio: ['ignore', 'pipe', log],
    })
  } finally {
    closeSync(log)
  }
}

interface Verdict {
  readonly event?: string
  readonly error?: { code: string; message: string; hint?: string; context?: Record<string, unknown> }
}

/** The one line that the server writes when it is over with starting. */
async function firstLine(child: ChildProcess, logFile: string): Promise<Verdict> {
  const { promise, resolve, reject } = Promise.withResolvers<Verdict>()
  const fail = (reason: string): void => {
    reject(
      new IsolaError('server.start_failed', `start the local server: ${reason}`, { hint: `the log is ${logFile}` }),
    )
  }
  const timer = setTimeout(() => fail(`no answer within ${START_DEADLINE_MS / 1000} s`), START_DEADLINE_MS)
  let text = ''
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
    const end = text.indexOf('\n')
    if (end === -1) return
    try {
      resolve(JSON.parse(text.slice(0, end)) as Verdict)
    } catch {
      fail(`it wrote ${JSON.stringify(text.slice(0, Math.min(end, 200)))}`)
    }
  })
  child.once('error', (error) => fail(error.message))
  child.once('close', (code, signal) => fail(`it ended with ${signal ?? code}${lastLogLine(logFile)}`))
  try {
    return await promise
  } finally {
    clearTimeout(timer)
  }
}

function startFailure(verdict: Verdict): IsolaError {
  return verdict.error === undefined
    ? new IsolaError('server.start_failed', 'start the local server: it gave no reason')
    : IsolaError.fromWire(verdict.error)
}

/** Never through a link: it would be somebody else's file that grows, or that is emptied. */
function openLog(logFile: string): number {
  const { O_APPEND, O_CREAT, O_NOFOLLOW, O_TRUNC, O_WRONLY } = constants
  return openSync(logFile, O_WRONLY | O_CREAT | O_NOFOLLOW | (tooLong(logFile) ? O_TRUNC : O_APPEND), 0o600)
}

function tooLong(logFile: string): boolean {
  return (statSync(logFile, { throwIfNoEntry: false })?.size ?? 0) > LOG_LIMIT_BYTES
}
