// SPDX-License-Identifier: Apache-2.0
import { IsolaError, type SandboxState } from '@isola/protocol'

/** What can happen to a sandbox. */
export type SandboxEvent = 'started' | 'create-failed' | 'lost' | 'destroy' | 'removed' | 'destroy-failed'

/**
 * The whole life of a sandbox: state × event → state. What is not listed is illegal.
 * Only a sandbox that nothing is left of is `destroyed`; a failed one may still hold its disk.
 */
export const LEGAL_TRANSITIONS = {
  creating: { started: 'running', 'create-failed': 'failed', destroy: 'stopping' },
  running: { lost: 'failed', destroy: 'stopping' },
  stopping: { removed: 'destroyed', 'destroy-failed': 'failed' },
  failed: { destroy: 'stopping' },
  destroyed: {},
} as const satisfies Record<SandboxState, Partial<Record<SandboxEvent, SandboxState>>>

/** Whether a sandbox of this state has its name for itself. One that has ended, or is being removed, leaves it to the next. */
export function isLiving(state: SandboxState): boolean {
  return state === 'creating' || state === 'running'
}

/** @throws sandbox.state_conflict when the event cannot happen in this state. */
export function nextState(state: SandboxState, event: SandboxEvent): SandboxState {
  const row: Partial<Record<SandboxEvent, SandboxState>> = LEGAL_TRANSITIONS[state]
  const next = row[event]
  if (next === undefined) {
    throw new IsolaError('sandbox.state_conflict', `a sandbox that is ${state} cannot take the event ${event}`, {
      context: { state, event },
    })
  }
  return next
}
