// SPDX-License-Identifier: Apache-2.0
import { describe, test } from 'vitest'
import { isRoot } from '../support/account.ts'
import { onHost } from '../support/on-host.ts'
import { onEachDriver } from '../support/world.ts'
import { attack, PRELUDE } from './attacker.ts'
import { judge, type Outcomes } from './outcomes.ts'

export { ABSENT, CLOSED, DENIED, REFUSED } from './outcomes.ts'

/** An attack that needs nothing but a sandbox. */
export interface Attack {
  /** What the attacker wants, as the test is called. */
  readonly name: string
  /** Python; each step ends in `report(label, outcome)`. */
  readonly program: string
  readonly as?: readonly ('user' | 'root')[]
  readonly expect: Outcomes
  /** Where root inside meets another answer. */
  readonly expectRoot?: Outcomes
  /**
   * The same program where nothing stops it, to prove that it would notice success. Without it,
   * at least one step must succeed inside the sandbox by the same means.
   */
  readonly control?: {
    /** What to put in front on the host, e.g. a private mount namespace. */
    readonly within?: readonly string[]
    readonly expect: Outcomes
  }
}

/** A root of namespaces of its own, where what an attack does is harmless. */
export const JAIL = ['unshare', '--mount', '--uts', '--ipc', '--net', '--pid', '--fork', '--mount-proc', '--']

/** Runs every attack of a class as `user` and as root in a sandbox of each driver, and its control on the host. */
export function attacks(className: string, list: readonly Attack[]): void {
  for (const each of list) requireControl(each)
  describe(className, () => {
    onEachDriver((world) => {
      for (const { name, program, as, expect, expectRoot } of list) {
        attack(world, name, as === undefined ? {} : { as }, (attacker) =>
          attacker.attempts(program, (attacker.user === 'root' ? expectRoot : undefined) ?? expect),
        )
      }
    })
    describe('control on the bare host', () => {
      for (const { name, program, control } of list) {
        if (control === undefined) continue
        test(`${name}: would be noticed`, async ({ skip }) => {
          if (!isRoot) skip('needs root')
          judge(await onHost([...(control.within ?? []), '/usr/bin/python3', '-c', PRELUDE + program]), control.expect)
        })
      }
    })
  })
}

function requireControl(each: Attack): void {
  if (each.control !== undefined) return
  for (const outcomes of [each.expect, each.expectRoot ?? each.expect]) {
    if (!Object.values(outcomes).some((accepted) => [accepted].flat().includes('ok'))) {
      throw new Error(`attack ${each.name}: nothing proves that it would notice success; give it a control`)
    }
  }
}
