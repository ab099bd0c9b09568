// SPDX-License-Identifier: Apache-2.0
import type { Driver } from '../driver/driver.ts'
import type { BlankMaker } from '../pool/make-blank.ts'
import type { ReadyPool } from '../pool/ready-pool.ts'
import type { AgentLinks } from './agent-links.ts'
import type { Claims } from './claims.ts'
import type { CreateAttempts } from './create-attempts.ts'
import type { SandboxRecords } from './sandbox-records.ts'
import type { SandboxServiceDeps } from './service-deps.ts'

/** What the steps of the domain share; made once in create-sandbox-service.ts. */
export interface DomainParts {
  readonly deps: SandboxServiceDeps
  readonly records: SandboxRecords
  readonly links: AgentLinks
  readonly claims: Claims
  readonly pool: ReadyPool
  readonly attempts: CreateAttempts
  newSandboxId(): string
  blankMaker(driver: Driver): BlankMaker
  /** Takes every trace of it from the host. */
  remove(driver: Driver, id: string): Promise<void>
}
