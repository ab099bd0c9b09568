// SPDX-License-Identifier: Apache-2.0
import type { Driver } from '../driver/driver.ts'
import type { Operation } from '../operation/operation.ts'
import type { Egress } from '../ports/egress.ts'
import type { Clock } from '../ports/clock.ts'
import type { Journal } from '../ports/journal.ts'
import type { Random } from '../ports/random.ts'
import type { Store } from '../ports/store.ts'
import type { SandboxService } from './sandbox-service.ts'

/** Everything the domain is given by the composition root. */
export interface SandboxServiceDeps {
  /** Best first: the first available one serves requests that name none. */
  readonly drivers: readonly Driver[]
  readonly store: Store
  readonly clock: Clock
  readonly random: Random
  readonly journal: Journal
  /** Without it no sandbox gets a network. */
  readonly egress?: Egress
  /** Blanks kept ready of the default template; 0 keeps none. */
  readonly poolSize: number
  /** How long an ephemeral sandbox lives without a claim; default 30 s. */
  readonly claimTimeoutMs?: number
}

export interface AdoptionReport {
  readonly adopted: number
  readonly lost: number
  readonly orphans: number
}

/** The service with its beginning and its end. */
export interface SandboxDomain extends SandboxService {
  /**
   * Takes over what an earlier server left, then fills the pool. Answers as soon as new requests
   * may come; sweeping goes on in the background. Never waits for an agent.
   */
  start(operation: Operation): Promise<AdoptionReport>
  /** Sandboxes that exist on the host or are about to: while there are any, the server has a reason to live. */
  livingCount(): number
  /** Blanks that are ready now. */
  readyCount(): number
  /** Lets go: running sandboxes live on, blanks are removed. */
  close(): Promise<void>
}
