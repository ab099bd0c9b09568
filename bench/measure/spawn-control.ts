// SPDX-License-Identifier: Apache-2.0
import { nativeParticipant } from '../participants/native.ts'
import type { Control } from './control.ts'

/**
 * The start and end of `true` by a C program: long enough not to depend on which core answers, and made of
 * what every participant is made of.
 */
export function startSpawnControl(limitProgram: string): { readonly once: Control; close(): Promise<void> } {
  const spawner = nativeParticipant({
    name: 'control',
    isolation: 'none',
    program: limitProgram,
    command: () => ['spawn', '/usr/bin/true'],
    clock: 'endNs',
    echoes: false,
  })
  return { once: async () => (await spawner.once('')).value, close: () => spawner.close() }
}
