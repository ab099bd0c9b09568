// SPDX-License-Identifier: Apache-2.0
import type { SandboxService } from '@isola/core'
import type { Handlers } from '../exchange.ts'
import { fileHandlers } from './file-handlers.ts'
import { type NetworkEvidence, networkHandlers } from './network-handlers.ts'
import { processHandlers } from './process-handlers.ts'
import { sandboxHandlers } from './sandbox-handlers.ts'
import { type ServerFacts, serverHandlers } from './server-handlers.ts'

/** One handler per row of the route table; a row without one does not compile. */
export function allHandlers(service: SandboxService, evidence: NetworkEvidence, facts: ServerFacts): Handlers {
  return {
    ...serverHandlers(facts),
    ...sandboxHandlers(service),
    ...networkHandlers(service, evidence),
    ...processHandlers(service),
    ...fileHandlers(service),
  }
}
