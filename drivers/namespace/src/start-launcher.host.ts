// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, renameSync, statSync } from 'node:fs'
import path from 'node:path'
import type { Readable } from 'node:stream'
import type { Operation } from '@isola/core'
import { IsolaError } from '@isola/protocol'

const LOG_BYTES_MAX = 4 * 1024 * 1024
const BUSY_EXIT_CODE = 3
const READY_FD = 3

/**
 * Starts a launcher in a session of its own and waits until it says that it listens.
 * Answers `busy` when another one holds the state directory.
 * Safety: runs our own binary with arguments of ours; nothing from inside a sandbox reaches it.
 */
export async function startLauncher(
  launcher: string,
  agent: string,
  stateDirectory: string,
  operation: Operation,
): Promise<'ready' | 'busy'> {
  mkdirSync(stateDirectory, { recursive: true, mode: 0o700 })
  const log = openLog(path.join(stateDirectory, 'launcher.log'))
  const args = ['serve', '--state', stateDirectory, '--agent', agent, '--ready-fd', String(READY_FD)]
  const child = spawn(launcher, args, {
    cwd: '/',
    detached: true,
    stdio: ['ignore', log, log, 'pipe'],
    env: {
      PATH: process.env['PATH'] ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      LANG: 'C.UTF-8',
    },
  })
  closeSync(log)
  const ready = child.stdio[READY_FD] as Readable
  try {
    return await operation.race(
      new Promise<'ready' | 'busy'>((resolve, reject) => {
        child.once('error', (error) => reject(failed(launcher, error.message)))
        let said = ''
        ready.setEncoding('utf8').on('data', (text: string) => {
          said += text
          if (said === 'ready\n') resolve('ready')
        })
        child.once('close', (code, signal) => {
          if (code === BUSY_EXIT_CODE) resolve('busy')
          else
            reject(failed(launcher, said.trim() || `ended with ${signal ?? code}, see ${stateDirectory}/launcher.log`))
        })
      }),
    )
  } catch (error) {
    child.kill()
    throw error
  } finally {
    ready.destroy()
    child.unref()
  }
}

function openLog(file: string): number {
  try {
    if (statSync(file).size > LOG_BYTES_MAX) renameSync(file, `${file}.old`)
  } catch {
    // There is none yet.
  }
  return openSync(file, 'a', 0o600)
}

function failed(launcher: string, reason: string): IsolaError {
  return new IsolaError('host.launcher_failed', `could not start ${launcher}: ${reason}`)
}
