// SPDX-License-Identifier: Apache-2.0
import { uploadFile } from '../agent-link/agent-upload.ts'
import type { Operation } from '../operation/operation.ts'
import type { Blank } from '../pool/blank.ts'
import type { NetworkSettings } from '../ports/egress.ts'

export const NO_SETTINGS: NetworkSettings = { env: {}, files: [] }

/** Files below /etc are root's; where a sandbox has no root, nobody could use what reads them either. */
export async function writeSettings(blank: Blank, { files }: NetworkSettings, operation: Operation): Promise<void> {
  if (blank.ref.users === 'single') return
  for (const { path, content } of files) {
    const request = { path, user: 'root', parents: true }
    await uploadFile(blank.link, request, bytesOf(content), operation)
  }
}

async function* bytesOf(text: string): AsyncGenerator<Uint8Array, void, undefined> {
  yield new TextEncoder().encode(text)
}
