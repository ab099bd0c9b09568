// SPDX-License-Identifier: Apache-2.0
import type { Effort } from '../options.ts'
import type { PeerPlace } from '../participants/peer.ts'

/** What every row is given. */
export interface BenchPlace extends PeerPlace {
  /** The compiled server: what users run. */
  readonly serverProgram: string
  readonly effort: Effort
  readonly say: (line: string) => void
  /** Aborted by Ctrl-C: what was started is then still taken down in order. */
  readonly signal: AbortSignal
}
