// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto'
import { type ProcessSpec, randomId, type StartProcess } from '@isola/protocol'
import type * as z from 'zod'

type Command = Pick<
  z.output<typeof StartProcess>,
  'argv' | 'shell' | 'processId' | 'cwd' | 'env' | 'user' | 'timeoutMs' | 'killGraceMs' | 'stdin'
>
interface Form {
  readonly outputLimitBytes?: number | undefined
  readonly tty?: ProcessSpec['tty'] | undefined
  readonly overflow?: ProcessSpec['overflow']
}

/** What the agent is told to start, from what a client asked for. */
export function processSpec(command: Command & Form): ProcessSpec {
  const { argv, shell, cwd, user, timeoutMs, outputLimitBytes } = command
  return {
    processId: command.processId ?? randomId('pr', (bytes) => randomBytes(bytes.length)),
    argv: argv ?? ['/bin/sh', '-c', shell as string],
    ...(cwd === undefined ? {} : { cwd }),
    env: command.env,
    ...(user === undefined ? {} : { user }),
    tty: command.tty ?? null,
    stdin: command.stdin,
    timeoutMs: timeoutMs ?? null,
    killGraceMs: command.killGraceMs,
    outputLimitBytes: outputLimitBytes ?? null,
    overflow: command.overflow ?? 'block',
  }
}
