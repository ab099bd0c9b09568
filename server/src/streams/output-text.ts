// SPDX-License-Identifier: Apache-2.0
import { isUtf8 } from 'node:buffer'

/** Text that is no longer stays text, whatever is in it. */
const SHORT_BYTES = 64 * 1024
/** What each byte of a text costs in JSON beyond itself. */
const JSON_GROWTH = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte < 0x80 ? JSON.stringify(String.fromCharCode(byte)).length - 3 : 0,
)

export interface OutputText {
  readonly text: string
  readonly base64?: string
}

/** Bytes as text where they are UTF-8 and JSON does not blow them up, else as base64. */
export function outputText(bytes: Buffer): OutputText {
  const isText = isUtf8(bytes) && !growsInJson(bytes)
  return isText ? { text: bytes.toString('utf8') } : { text: '', base64: bytes.toString('base64') }
}

/**
 * Whether escapes would make more of it than base64 does. A program can print nothing but NUL, which is
 * six bytes each in JSON: as much as may be buffered would keep the server busy for seconds.
 */
function growsInJson(bytes: Buffer): boolean {
  if (bytes.length < SHORT_BYTES) return false
  let room = bytes.length / 3
  // By index: an iterator would take a second for all that may be buffered.
  for (let at = 0; at < bytes.length && room >= 0; at++) room -= JSON_GROWTH[bytes[at] as number] as number
  return room < 0
}

/** The same for pieces of a stream: a character that spans two pieces is kept for the second. */
export class OutputTextStream {
  #kept: Buffer = Buffer.alloc(0)

  push(chunk: Uint8Array): OutputText | undefined {
    const bytes =
      this.#kept.length === 0
        ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
        : Buffer.concat([this.#kept, chunk])
    const whole = bytes.length - unfinishedBytes(bytes)
    this.#kept = Buffer.from(bytes.subarray(whole))
    return whole === 0 ? undefined : outputText(bytes.subarray(0, whole))
  }

  end(): OutputText | undefined {
    return this.#kept.length === 0 ? undefined : outputText(this.#kept)
  }
}

/** How many bytes at the end are the beginning of a longer character. */
function unfinishedBytes(bytes: Buffer): number {
  const last = bytes.length - 1
  for (let back = 0; back < 3 && back <= last; back++) {
    const byte = bytes[last - back] as number
    if (byte < 0x80) return 0
    if (byte >= 0xc0) {
      const needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2
      return needed > back + 1 ? back + 1 : 0
    }
  }
  return 0
}
