// SPDX-License-Identifier: Apache-2.0
import type { Network } from '@isola/protocol'
import type { Driver, SandboxRef } from '../driver/driver.ts'
import type { Operation } from '../operation/operation.ts'

/** What programs inside are told of a network, so that they use it: no credentials. */
export interface NetworkSettings {
  readonly env: Readonly<Record<string, string>>
  readonly files: readonly { readonly path: string; readonly content: string }[]
}

/** Makes it hold what may leave a sandbox. */
export interface Egress {
  /**
   * Resolves when the policy holds, also for connections that are open already.
   * @throws driver.unsupported when this driver cannot control what leaves.
   */
  apply(driver: Driver, ref: SandboxRef, network: Network, operation: Operation): Promise<void>
  forget(sandboxId: string): void
  /** For a sandbox that is about to be made. */
  settings(network: Network): Promise<NetworkSettings>
}
