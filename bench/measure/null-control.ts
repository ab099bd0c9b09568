// SPDX-License-Identifier: Apache-2.0
import { workerParticipant } from '../participants/worker.ts'
import type { Control } from './control.ts'

/** An empty request to a bare Node server in another process. */
export async function startNullControl(): Promise<{ readonly once: Control; close(): Promise<void> }> {
  const worker = await workerParticipant({ name: 'null HTTP request', isolation: 'none', script: 'null-http.ts' })
  return { once: async () => (await worker.once('')).value, close: worker.close }
}
