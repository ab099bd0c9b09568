// SPDX-License-Identifier: Apache-2.0
import { isUtf8 } from 'node:buffer'

export interface OutputText {
  readonly text: string
  readonly base64?: string
}

/** Bytes as text where they are UTF-8, else as base64. */
export function outputText(bytes: Buffer): OutputText {
  return isUtf8(bytes) ? { text: bytes.toString('utf8') } : { text: '', base64: bytes.toString('base64') }
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
