// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from 'node:timers/promises'
import { IsolaError } from '@isola/protocol'
import { type InstanceLock, takeInstanceLock } from './instance-lock.host.ts'
import { answers } from './listen.host.ts'

/** A server that stops finishes what is in flight; longer than that is not worth waiting for. */
const PATIENCE_MS = 15_000
const LOOK_AGAIN_MS = 25

/** Another server has this state directory. */
export class AlreadyRunning extends IsolaError {
  readonly pid: number
  readonly socketPath: string

  constructor(pid: number, stateDirectory: string, socketPath: string) {
    super('server.start_failed', `another server (pid ${pid || 'unknown'}) has the state directory ${stateDirectory}`, {
      hint: `use that one, end it${pid ? ` with \`kill ${pid}\`` : ''} (sandboxes live on), or set ISOLA_STATE_DIR to another directory`,
      context: { pid, stateDirectory },
    })
    this.pid = pid
    this.socketPath = socketPath
  }
}

/**
 * Waits until it is clear who serves: this process, because it has the lock, or another one, because
 * it answers. One that is just starting or stopping does neither for a moment.
 * @throws {AlreadyRunning}
 */
export async function becomeTheOne(stateDirectory: string, socketPath: string): Promise<InstanceLock> {
  const deadlineMs = performance.now() + PATIENCE_MS
  for (;;) {
    const lock = takeInstanceLock(stateDirectory)
    if (!('heldBy' in lock)) return lock
    if ((await answers(socketPath)) || performance.now() > deadlineMs) {
      throw new AlreadyRunning(lock.heldBy, stateDirectory, socketPath)
    }
    await sleep(LOOK_AGAIN_MS)
  }
}
