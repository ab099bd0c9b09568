// SPDX-License-Identifier: Apache-2.0
import type { Process } from '@isola/sdk'
import { Interrupted } from './interrupts.ts'

/** Our input is its input, to the end of file. Never resolves; rejects when our input cannot be read. */
export async function feedStdin(inside: Process, stdin: NodeJS.ReadStream): Promise<never> {
  try {
    for await (const chunk of stdin) await inside.stdin.write(chunk as Uint8Array)
    await inside.stdin.end()
  } catch (error) {
    // A terminal that is gone says so here, too, and not always after its signal.
    if (isReadError(error)) throw stdin.isTTY && error.code === 'EIO' ? new Interrupted('SIGHUP') : error
  }
  return new Promise(() => undefined)
}

/** Of our own input; that the process has ended or gone is told by its output and its end. */
function isReadError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error && error.syscall === 'read'
}
