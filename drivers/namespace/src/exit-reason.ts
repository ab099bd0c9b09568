// SPDX-License-Identifier: Apache-2.0
import type { ExitFact } from './launcher-link.ts'

const SIGNALS: Readonly<Record<number, string>> = {
  6: 'SIGABRT',
  9: 'SIGKILL',
  11: 'SIGSEGV',
  15: 'SIGTERM',
  31: 'SIGSYS',
}

/** How a sandbox ended by itself, in words; the status is the one that wait(2) gives. */
export function exitReason({ status }: ExitFact): string {
  // Negative: it ended while no launcher was there to see how.
  if (typeof status !== 'number' || status < 0) return 'its first process ended'
  const signal = status & 0x7f
  if (signal !== 0) return `its first process was ended by ${SIGNALS[signal] ?? `signal ${signal}`}`
  return `its first process ended with code ${(status >> 8) & 0xff}`
}
