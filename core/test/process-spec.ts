// SPDX-License-Identifier: Apache-2.0
import type { ProcessSpec } from '@isola/protocol'

export function processSpec(change: Partial<ProcessSpec> = {}): ProcessSpec {
  return {
    processId: 'p1',
    argv: ['true'],
    env: {},
    tty: null,
    stdin: false,
    timeoutMs: null,
    killGraceMs: 500,
    outputLimitBytes: null,
    overflow: 'block',
    ...change,
  }
}

/** All bytes of a stream. */
export async function readAll(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of source) chunks.push(chunk)
  return Buffer.concat(chunks)
}
