// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** The pinned document of the protocol package. Safety: a fixed path inside that package. */
export async function readOpenapi(): Promise<Uint8Array> {
  const entry = createRequire(import.meta.url).resolve('@isola/protocol')
  return await readFile(join(dirname(entry), '..', 'openapi.json'))
}
