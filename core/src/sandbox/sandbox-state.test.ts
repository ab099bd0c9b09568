// SPDX-License-Identifier: Apache-2.0
import { IsolaError, SANDBOX_STATES, type SandboxState } from '@isola/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LEGAL_TRANSITIONS, nextState, type SandboxEvent } from './sandbox-state.ts'

const EVENTS: readonly SandboxEvent[] = ['started', 'create-failed', 'lost', 'destroy', 'removed', 'destroy-failed']
const states = fc.constantFrom(...SANDBOX_STATES)
const events = fc.constantFrom(...EVENTS)

function attempt(state: SandboxState, event: SandboxEvent): SandboxState | IsolaError {
  try {
    return nextState(state, event)
  } catch (error) {
    if (IsolaError.is(error)) return error
    throw error
  }
}

describe('the life of a sandbox', () => {
  test('every event in every state is either legal or a typed error that names both', () => {
    fc.assert(
      fc.property(states, events, (state, event) => {
        const result = attempt(state, event)
        if (typeof result === 'string') expect(SANDBOX_STATES).toContain(result)
        else expect(result).toMatchObject({ code: 'sandbox.state_conflict', context: { state, event } })
      }),
    )
  })

  test('a destroyed sandbox stays destroyed, whatever happens', () => {
    fc.assert(
      fc.property(events, (event) => {
        expect(IsolaError.is(attempt('destroyed', event))).toBe(true)
      }),
    )
  })

  test('only something that was being destroyed is ever destroyed', () => {
    fc.assert(
      fc.property(states, events, (state, event) => {
        if (attempt(state, event) === 'destroyed') expect(state).toBe('stopping')
      }),
    )
  })

  test('nothing comes back to running: a run that ended is never taken up again', () => {
    fc.assert(
      fc.property(states, events, (state, event) => {
        if (attempt(state, event) === 'running') expect(state).toBe('creating')
      }),
    )
  })

  test('from every state that is reached there is a way to destroyed', () => {
    fc.assert(
      fc.property(fc.array(events, { maxLength: 30 }), (history) => {
        let state: SandboxState = 'creating'
        for (const event of history) {
          const next = attempt(state, event)
          if (!IsolaError.is(next)) state = next
        }
        if (state === 'destroyed') return
        if (state !== 'stopping') state = nextState(state, 'destroy')
        expect(nextState(state, 'removed')).toBe('destroyed')
      }),
    )
  })

  test('every state has a row', () => {
    expect(Object.keys(LEGAL_TRANSITIONS).sort()).toEqual([...SANDBOX_STATES].sort())
  })
})
