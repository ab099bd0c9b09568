// SPDX-License-Identifier: Apache-2.0
import type { AgentLink } from '../agent-link/agent-link.ts'
import type { SandboxRef } from '../driver/driver.ts'

/** A sandbox that is nobody's yet: its agent runs and is connected, nothing of a tenant is in it. */
export interface Blank {
  readonly id: string
  readonly driver: string
  readonly template: string
  /** Of the template as it was when the blank was ordered. */
  readonly fingerprint: string
  readonly keyHex: string
  readonly ref: SandboxRef
  readonly link: AgentLink
}
