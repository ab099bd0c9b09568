// SPDX-License-Identifier: Apache-2.0

/** How long the server waits for whom. One object, so that tests wait less. */
export interface Waits {
  readonly createMs: number
  readonly destroyMs: number
  readonly callMs: number
  /** For a whole JSON body. */
  readonly jsonBodyMs: number
  /** Between two pieces of an upload. */
  readonly bodyIdleMs: number
  /** From the upgrade to the frame that says what to start. */
  readonly firstFrameMs: number
  /** For what is in flight when the server is told to stop. */
  readonly closeMs: number
}

export const WAITS: Waits = {
  createMs: 60_000,
  destroyMs: 60_000,
  callMs: 30_000,
  jsonBodyMs: 30_000,
  bodyIdleMs: 60_000,
  firstFrameMs: 10_000,
  closeMs: 10_000,
}
