// SPDX-License-Identifier: Apache-2.0
import { SdkError } from '../sdk-error.ts'

/** What a file can be written from. */
export type FileContent = string | Uint8Array | AsyncIterable<Uint8Array> | ReadableStream<Uint8Array>

/** @throws {SdkError} argument.invalid */
export function fileBody(content: FileContent): Uint8Array | AsyncIterable<Uint8Array> {
  if (typeof content === 'string') return Buffer.from(content)
  if (content instanceof Uint8Array || Symbol.asyncIterator in content)
    return content as Uint8Array | AsyncIterable<Uint8Array>
  throw new SdkError(
    'argument.invalid',
    'write a file: the content is neither text nor bytes',
    'give a string, a Uint8Array, or a stream of Uint8Array',
  )
}

/** Permission bits as the server reads them. @throws {SdkError} argument.invalid */
export function octalMode(mode: number | undefined): string | undefined {
  if (mode === undefined) return undefined
  if (!Number.isInteger(mode) || mode < 0 || mode > 0o7777) {
    throw new SdkError('argument.invalid', `set the mode ${mode}`, 'give permission bits, e.g. 0o644')
  }
  return mode.toString(8).padStart(3, '0')
}
