// SPDX-License-Identifier: Apache-2.0
import type { Destroyer } from './destroy-sandbox.ts'
import type { DomainParts } from './domain-parts.ts'

/** A sandbox ended by itself: a blank is replaced, an ephemeral one removed, any other becomes `failed`. */
export function noteExit(parts: DomainParts, destroyer: Destroyer, id: string, reason: string): void {
  if (parts.pool.drop(id)) return
  const record = parts.records.store.find(id)
  // One that is being made or removed notices by itself.
  if (record?.state !== 'running') return
  parts.links.close(id, reason)
  if (record.ephemeral) {
    void destroyer.destroyInBackground(id, reason)
    return
  }
  parts.records.transition(id, 'lost', reason)
}
