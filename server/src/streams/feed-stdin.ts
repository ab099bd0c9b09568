// SPDX-License-Identifier: Apache-2.0
import type { LiveProcess } from '@isola/core'
import { MAX_DATA_PAYLOAD_BYTES } from '@isola/protocol'

/** Gives a process its whole input. A process that ends without reading it all is no error. */
export async function feedStdin(live: LiveProcess, text: string | undefined): Promise<void> {
  if (text === undefined) return
  const bytes = Buffer.from(text)
  try {
    for (let offset = 0; offset < bytes.length; offset += MAX_DATA_PAYLOAD_BYTES) {
      await live.writeStdin(bytes.subarray(offset, offset + MAX_DATA_PAYLOAD_BYTES))
    }
    live.endStdin()
  } catch {
    // The process has closed its input; how it ends says what matters.
  }
}
