// SPDX-License-Identifier: Apache-2.0
import type { RelayDecision, RelayEvent } from '@isola/protocol'
import type { Operation } from '../operation/operation.ts'

/** What a sandbox may have at the same time. */
export interface RelayBounds {
  readonly maxConnections: number
  readonly bytesPerSecond?: number | undefined
}

/**
 * Where every connection out of a driver's sandboxes arrives and waits for a decision. It moves bytes and decides
 * nothing. Orders are sent without waiting: when one cannot be, the relay is lost, and that is told.
 */
export interface EgressRelay {
  /** Connections of this sandbox arrive from now on. Doing it again is nothing. @throws driver.unsupported */
  open(sandboxId: string, bounds: RelayBounds, operation: Operation): Promise<void>
  decide(decision: RelayDecision): void
  bound(sandboxId: string, bounds: RelayBounds): void
  /** Resets connections of a sandbox: these, or all. */
  cut(sandboxId: string, connections?: readonly number[]): void
  answer(query: number, message: Uint8Array): void
  onEvent(listener: (event: RelayEvent) => void): void
  /** Every connection was reset. Sandboxes have to be opened again. */
  onLost(listener: () => void): void
}
