// SPDX-License-Identifier: Apache-2.0
import { SdkError } from '../sdk-error.ts'
import type { Process } from './process.ts'

export type InputContent = string | Uint8Array | AsyncIterable<Uint8Array | string>

/**
 * Writes all of `content` and then the end of file. Never resolves: it is over when the process
 * is. It rejects when the source breaks off; a process that ends before it has read all is no fault.
 */
export async function feedInput(process: Process, content: InputContent): Promise<never> {
  try {
    if (typeof content === 'string' || content instanceof Uint8Array) await process.stdin.write(content)
    else for await (const chunk of content) await process.stdin.write(chunk)
    await process.stdin.end()
  } catch (error) {
    if (!(SdkError.is(error) && error.code === 'process.ended')) throw error
  }
  return new Promise(() => undefined)
}
