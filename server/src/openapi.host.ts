// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

let document: Promise<Uint8Array> | undefined

/** The pinned document of the protocol package, read once: anybody may ask for it. */
export function readOpenapi(): Promise<Uint8Array> {
  document ??= read()
  return document
}

/** Safety: a fixed path inside that package. */
async function read(): Promise<Uint8Array> {
  const entry = createRequire(import.meta.url).resolve('@isola/protocol')
  return await readFile(join(dirname(entry), '..', 'openapi.json'))
}
