// SPDX-License-Identifier: Apache-2.0

/** Time comes from outside, so that tests decide what time it is. */
export interface Clock {
  /** Milliseconds since 1970. */
  nowMs(): number
  /** Calls back once after `delayMs`; the returned function cancels it. Must not keep the process alive. */
  after(delayMs: number, callback: () => void): () => void
}
