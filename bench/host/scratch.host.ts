// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

/** A private directory for one run, short enough for the sockets that will lie in it. */
export function makeScratch(): { readonly directory: string; remove(): void } {
  const directory = mkdtempSync(path.join(tmpdir(), 'isola-bench-'))
  return { directory, remove: () => rmSync(directory, { recursive: true, force: true }) }
}
