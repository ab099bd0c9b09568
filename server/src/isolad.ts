// SPDX-License-Identifier: Apache-2.0
import type { Journal } from '@isola/core'
import { IsolaError } from '@isola/protocol'
import { parseServerConfig, type ServerConfig, stateDirectoryOf } from './config.ts'
import { AlreadyRunning } from './lifecycle/become-the-one.ts'
import { makeJournal } from './lifecycle/journal.ts'
import { type MakeDrivers, type RunningServer, serve } from './lifecycle/serve.ts'
import { leaveStdout, say } from './lifecycle/stdout.host.ts'

const FAILED = 1
/** Templates and layers are read by other ids than the server's; what is private says so itself. */
const UMASK = 0o022

/**
 * The program: `isolad [serve] [options]` and `isolad doctor [--fix] --json`. Whoever starts it reads
 * one line of JSON from its stdout; everything else goes to stderr, which is the log.
 */
export async function runIsolad(args: readonly string[], makeDrivers: MakeDrivers): Promise<void> {
  process.umask(UMASK)
  const journal = makeJournal((line) => process.stderr.write(line))
  // Nobody may be left to read the log; that is no reason to die.
  process.stderr.on('error', () => {})
  process.on('uncaughtException', (error) => {
    journal.warn('ended by a fault', { error })
    process.exit(FAILED)
  })
  const [command, rest] = args[0] === undefined || args[0].startsWith('-') ? ['serve', args] : [args[0], args.slice(1)]
  try {
    if (command === 'serve') await runServer(parseServerConfig(rest, process.env), makeDrivers, journal)
    else if (command === 'doctor') await runDoctor(rest, makeDrivers, journal)
    else
      throw new IsolaError('request.invalid', `isolad ${command}: no such command`, {
        hint: 'isolad serve, or isolad doctor',
      })
  } catch (error) {
    fail(error, journal)
  }
}

async function runServer(config: ServerConfig, makeDrivers: MakeDrivers, journal: Journal): Promise<void> {
  const server = await serve(config, makeDrivers, journal)
  endOnSignal(server)
  say({
    event: 'ready',
    pid: process.pid,
    version: server.version,
    stateDirectory: server.stateDirectory,
    socket: server.socketPath,
    url: server.url,
    keyFile: server.keyFile,
  })
  if (config.idleExitMs !== undefined) leaveStdout()
  await server.stopped
  process.exit(0)
}

async function runDoctor(args: readonly string[], makeDrivers: MakeDrivers, journal: Journal): Promise<void> {
  const { runDoctorCommand } = await import('./doctor-command.ts')
  const report = await runDoctorCommand(args, stateDirectoryOf(process.env), makeDrivers, journal)
  say(report)
  process.exit(report.drivers.some((driver) => driver.available) ? 0 : FAILED)
}

/** The first signal ends the server in order, a second one at once. */
function endOnSignal(server: RunningServer): void {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    let isSecond = false
    process.on(signal, () => {
      if (isSecond) process.exit(FAILED)
      isSecond = true
      void server.stop(signal)
    })
  }
}

function fail(error: unknown, journal: Journal): never {
  if (error instanceof AlreadyRunning) {
    say({ event: 'already-running', socket: error.socketPath, pid: error.pid })
    journal.warn(`${error.message} (hint: ${error.hint})`)
    process.exit(0)
  }
  const known = IsolaError.is(error)
    ? error
    : new IsolaError('server.start_failed', `start the server: ${(error as Error).message}`)
  if (!IsolaError.is(error)) journal.warn('the server could not be started', { error })
  say({ event: 'failed', ...known.toBody() })
  journal.warn(`${known.message} (hint: ${known.hint})`)
  process.exit(FAILED)
}
