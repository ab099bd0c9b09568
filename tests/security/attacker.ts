// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import type { RunOptions, Subject } from '../support/subject.ts'
import type { World } from '../support/world.ts'
import { judge, type Outcomes } from './outcomes.ts'

export const PRELUDE = readFileSync(new URL('programs/prelude.py', import.meta.url), 'utf8')

/** Hostile code in a sandbox, as one of its users. */
export class Attacker {
  readonly sandbox: Subject
  readonly user: 'user' | 'root'

  constructor(sandbox: Subject, user: 'user' | 'root') {
    this.sandbox = sandbox
    this.user = user
  }

  /** Runs a Python program that reports its steps, and holds what it met against what is accepted. */
  async attempts(program: string, accepted: Outcomes, options: RunOptions = {}): Promise<void> {
    judge(await this.runs(program, options), accepted)
  }

  runs(program: string, options: RunOptions = {}) {
    return this.sandbox.run(['python3', '-c', PRELUDE + program], { user: this.user, timeoutMs: 60_000, ...options })
  }
}

export interface AttackOptions {
  readonly as?: readonly ('user' | 'root')[]
  /** The attack harms its sandbox: it gets one of its own. */
  readonly destructive?: boolean
}

/** One test for each user inside. */
export function attack(
  world: World,
  name: string,
  options: AttackOptions,
  body: (attacker: Attacker) => Promise<void>,
): void {
  for (const user of options.as ?? (['user', 'root'] as const)) {
    world.test(`${name}: fails closed as ${user}`, async ({ skip }) => {
      if (user === 'root') await world.requireRootInside(skip)
      if (options.destructive !== true) return body(new Attacker(await world.shared(), user))
      await using sandbox = await world.create()
      await body(new Attacker(sandbox, user))
    })
  }
}
